"""ReLU: the rectifier, plain or leaky."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class ReLU(NeuronLayer):
    """The rectified linear unit: passes what is positive, and a share of what is negative.

    Forward ``y = max(x, 0) + negative_slope · min(x, 0)``.
    Backward ``dx = dy`` where x > 0, ``negative_slope · dy`` elsewhere, at 0 too. In place x is gone and the sign of y
    stands for it, so there the slope must not be negative.

    Bottom and top: any shape, the same. Parameters, ``relu_param``: ``negative_slope`` (0); ``engine`` is read and
    makes no difference. Errors: ParameterError for a negative slope in place.

    Example::

        layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }

    Source: Caffe's ReLU layer; Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010;
    Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013, on the slope.
    """

    type: ClassVar[str] = "ReLU"
    param_field: ClassVar[str | None] = "relu_param"
    keeps_sign: ClassVar[bool] = True

    @classmethod
    def top_needed(cls, config: LayerParameter, in_place: bool) -> str:
        return "sign" if in_place else "nothing"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.slope: float = self.param.negative_slope
        if self.slope < 0 and top[0] is bottom[0]:
            self.fail("negative_slope must not be below 0 in place", "negative_slope", got=f"{self.slope:g}")

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.relu_forward(bottom[0].data, top[0].data, self.slope)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.relu_backward(bottom[0].data, top[0].diff, bottom[0].diff, self.slope)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [ReLU]
