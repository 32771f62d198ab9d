"""MultinomialLogisticLoss: the loss of a classifier that gives probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .item_loss import ItemLoss
from .layer import Blobs, Layer

SMALLEST = 1e-20


class MultinomialLogisticLoss(ItemLoss):
    """The negative logarithm of the probability of the true class. SoftmaxWithLoss does the same from scores, and
    better.

    Forward ``loss = -1/N · sum log(max(p_l, 1e-20))`` with l the label of each item.
    Backward ``dp_l = -weight / N / max(p_l, 1e-20)``, 0 for the other classes.

    Bottoms: probabilities, N × classes (further axes count as more classes); the labels, N numbers from 0 to classes
    - 1, which get no gradient. Top: the loss, without axes. No parameters.
    Errors: ShapeError where the number of labels does not fit; DataError for a label out of range, with its place.

    Example::

        layer { name: "loss" type: "MultinomialLogisticLoss" bottom: "prob" bottom: "label" }

    Source: Caffe's MultinomialLogisticLoss layer.
    """

    type: ClassVar[str] = "MultinomialLogisticLoss"

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.check_labels(bottom[1], self.view[1])
        xp, true = self.engine.xp, self.true_classes(bottom[1])
        chosen = xp.maximum(xp.take_along_axis(bottom[0].data.reshape(self.view), true, 1), SMALLEST)
        top[0].data[...] = -float(xp.log(chosen, dtype="float64").sum()) / max(1, self.items)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        xp, true = self.engine.xp, self.true_classes(bottom[1])
        chosen = xp.maximum(xp.take_along_axis(bottom[0].data.reshape(self.view), true, 1), SMALLEST)
        dx = bottom[0].diff.reshape(self.view)
        dx.fill(0)
        xp.put_along_axis(dx, true, -float(top[0].diff) / max(1, self.items) / chosen, 1)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [MultinomialLogisticLoss]
