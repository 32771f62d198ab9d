"""ReLU6: a rectifier that stops at six."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ...layers import Blob, Blobs, LayerContext, NeuronLayer

if TYPE_CHECKING:
    from ...proto.caffe_pb2 import LayerParameter

MOST = 6


class ReLU6(NeuronLayer):
    """The positive part of each number, but no more than 6.

    Forward ``y = min(max(x, 0), 6)``. Backward ``dx = dy`` where 0 < x < 6, else 0.

    Bottom and top: any shape, the same; in place allowed.
    ``relu6_param`` and ``relu_param`` are read and make no difference.

    Example::

        layer { name: "relu" type: "ReLU6" bottom: "conv" top: "conv" }

    Source: MobileNet-YOLO's ReLU6 layer; Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010.
    """

    type: ClassVar[str] = "ReLU6"

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self.inside = Blob((0,), bool, f"{self.name} inside")
        self.below = Blob((0,), bool, f"{self.name} below")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.inside.reshape_like(bottom[0])
        self.below.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, x, inside = self.engine.xp, bottom[0].data, self.inside.data
        if self.runs_backward:
            xp.greater(x, 0, out=inside)
            xp.less(x, MOST, out=self.below.data)
            xp.logical_and(inside, self.below.data, out=inside)
        xp.clip(x, 0, MOST, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.xp.multiply(top[0].diff, self.inside.data, out=bottom[0].diff)
