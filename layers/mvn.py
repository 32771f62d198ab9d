"""MVN: mean and variance normalization of each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ..plugins import hookimpl
from .blob import Blob
from .context import LayerContext
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class MVN(Layer):
    """Subtracts the mean and divides by the standard deviation, for each channel of each image, or each image.

    Forward ``y = (x - mean) / (std + eps)``, where ``std = sqrt(average of (x - mean)²)``; without
    ``normalize_variance`` ``y = x - mean``.
    Backward ``dx = (dy - avg(dy) - y · avg(dy · y)) / (std + eps)``; without ``normalize_variance``
    ``dx = dy - avg(dy)``. The first is Caffe's gradient, exact as long as eps is small beside std.

    Bottom: up to 4 axes. Top: always 4 axes (num, channels, height, width), with 1 for those the bottom lacks.
    In place allowed with 4 axes.

    Parameters, in ``mvn_param``: ``normalize_variance`` (true); ``across_channels`` (false), one mean for all channels
    of an image; ``eps`` (1e-9).
    Errors: ShapeError for more than 4 axes, or for another number in place.

    Example::

        layer { name: "mvn1" type: "MVN" bottom: "data" top: "mvn1" mvn_param { across_channels: true } }

    Source: Caffe's MVN layer.
    """

    type: ClassVar[str] = "MVN"
    needs_top: ClassVar[str] = "values"
    param_field: ClassVar[str | None] = "mvn_param"
    in_place: ClassVar[bool] = True

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._mean = Blob(dtype=self.dtype, name=f"{self.name} mean")
        self._std = Blob(dtype=self.dtype, name=f"{self.name} std")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        if x.num_axes > 4:
            self.fail_shape("the bottom must have at most 4 axes", x, hint="a Reshape layer before it can join axes")
        if top[0] is x and x.num_axes != 4:
            self.fail_shape("in place the bottom must have 4 axes, as the top has", x, hint="give the top another name")
        top[0].reshape(x.num, x.channels, x.height, x.width)
        groups = x.num if self.param.across_channels else x.num * x.channels
        self._view = (groups, x.count // groups if groups else 0)
        self._mean.reshape(groups)
        self._std.reshape(groups)

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data.reshape(self._view), top[0].data.reshape(self._view)
        self.engine.mvn_forward(x, y, self._mean.data, self._std.data, self.param.eps, self.param.normalize_variance)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            y, dy, dx = (a.reshape(self._view) for a in (top[0].data, top[0].diff, bottom[0].diff))
            self.engine.mvn_backward(y, self._std.data, dy, dx, self.param.eps, self.param.normalize_variance)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [MVN]
