"""EuclideanLoss: half the squared distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .blob import Blob
from .layer import Blobs, Layer
from .loss import LossLayer


class EuclideanLoss(LossLayer):
    """Half the squared distance between two blobs, per item: the loss of regression.

    Forward ``loss = sum (a - b)² / (2 N)``. Backward ``da = weight · (a - b) / N`` and ``db = -da``; unlike other
    losses it has a gradient for both bottoms.

    Bottoms: a and b, with the same N items of the same number of elements; their shapes may differ. Top: the loss,
    without axes. No parameters; ``loss_weight`` scales. Errors: ShapeError where the sizes do not fit.

    Example::

        layer { name: "loss" type: "EuclideanLoss" bottom: "prediction" bottom: "target" top: "loss" }

    Source: Caffe's EuclideanLoss layer.
    """

    type: ClassVar[str] = "EuclideanLoss"
    no_gradient_to: ClassVar[tuple[int, ...]] = ()

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.difference = Blob((0,), self.dtype, f"{self.name} difference")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].count != bottom[1].count:
            self.fail_shape("both bottoms must have as many elements", *bottom)
        self.items = max(1, bottom[0].shape[0])
        self.difference.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        difference = self.difference.data
        self.engine.xp.subtract(bottom[0].data, bottom[1].data.reshape(difference.shape), out=difference)
        top[0].data[...] = self.engine.sumsq(difference) / (2 * self.items)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                dx = bottom[index].diff.reshape(self.difference.shape)
                self.engine.scale_by(sign * float(top[0].diff) / self.items, self.difference.data, dx)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [EuclideanLoss]
