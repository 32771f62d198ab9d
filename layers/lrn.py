"""LRN: local response normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ..plugins import hookimpl
from .blob import Blob
from .context import LayerContext
from .keeping import KeepingLayer
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter

ACROSS_CHANNELS, WITHIN_CHANNEL = range(2)


class LRN(KeepingLayer):
    """Divides every element by the energy around it: along the channels, or in a window of its own channel.

    Forward ``y = x · scale ^ -beta``, where
    across channels ``scale = k + alpha / n · sum of x²`` over the n = local_size channels around,
    within a channel ``scale = 1 + alpha / n · sum of x²`` over the n = local_size² pixels around (k is not used).
    Backward ``dx = dy · scale ^ -beta - 2 · alpha · beta / n · x · sum of dy · y / scale`` over the same neighbours.

    Bottom and top: (num, channels, …), the same; within a channel at least one spatial axis. What lies beyond the
    borders counts as 0. In place the layer keeps a copy of its bottom.

    Parameters, in ``lrn_param``: ``local_size`` (5), odd; ``alpha`` (1); ``beta`` (0.75); ``k`` (1);
    ``norm_region`` (ACROSS_CHANNELS), or WITHIN_CHANNEL; ``engine`` (DEFAULT) is read and makes no difference.
    Errors: ParameterError for an even local_size; ShapeError for too few axes.

    Example::

        layer { name: "norm1" type: "LRN" bottom: "pool1" top: "norm1" lrn_param { alpha: 0.0001 } }

    Source: Caffe's LRN layer; Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks",
    2012.
    """

    type: ClassVar[str] = "LRN"
    needs_top: ClassVar[str] = "values"
    param_field: ClassVar[str | None] = "lrn_param"

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._scale = Blob(dtype=self.dtype, name=f"{self.name} scale")
        self._gradient = Blob(dtype=self.dtype, name=f"{self.name} gradient")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param
        if p.local_size % 2 == 0:
            self.fail("local_size must be odd, so that it has a middle", "local_size", got=p.local_size)
        self._within = p.norm_region == WITHIN_CHANNEL
        self._size, self._alpha, self._beta, self._k = int(p.local_size), float(p.alpha), float(p.beta), float(p.k)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].num_axes < 2 + self._within:
            needs = "(num, channels, height, ...)" if self._within else "(num, channels, ...)"
            self.fail_shape(f"the bottom must have the axes {needs}", bottom[0])
        super().reshape(bottom, top)
        self._scale.reshape_like(bottom[0])
        self._gradient.reshape_like(bottom[0])

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y, scale = self.keep(bottom, top, always=True), top[0].data, self._scale.data
        if self._within:
            self.engine.lrn_within_forward(x, y, scale, self._size, self._alpha, self._beta)
        else:
            self.engine.lrn_across_forward(x, y, scale, self._size, self._alpha, self._beta, self._k)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        x, y, scale, dy, dx = self.kept(bottom, top), top[0].data, self._scale.data, top[0].diff, bottom[0].diff
        if top[0] is bottom[0]:
            self.engine.copy(dy, self._gradient.data)
            dy = self._gradient.data
        if self._within:
            self.engine.lrn_within_backward(x, y, scale, dy, dx, self._size, self._alpha, self._beta)
        else:
            self.engine.lrn_across_backward(x, y, scale, dy, dx, self._size, self._alpha, self._beta, self._k)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [LRN]
