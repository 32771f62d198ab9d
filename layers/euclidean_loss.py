"""EuclideanLoss: half the squared distance."""

from __future__ import annotations

from typing import ClassVar

from ..plugins import hookimpl
from .blob import Array
from .difference_loss import DifferenceLoss
from .layer import Layer


class EuclideanLoss(DifferenceLoss):
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

    def total(self, difference: Array) -> float:
        return self.engine.sumsq(difference) / 2

    def slopes(self, difference: Array) -> Array:
        return difference


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [EuclideanLoss]
