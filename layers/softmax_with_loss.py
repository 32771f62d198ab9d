"""SoftmaxWithLoss: the usual loss of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..plugins import hookimpl
from .blob import Array, Blob
from .labels import LabelCheck, class_index
from .layer import Blobs, Layer
from .loss import SMALLEST, LossLayer, Normalizer
from .views import around


class SoftmaxWithLoss(LossLayer):
    """The negative logarithm of the probability that a softmax gives to the true class, averaged over all positions.

    Forward, with p the softmax of the scores x along one axis and l the label of each position:
    ``loss = -1/n · sum log(max(p_l, 1.175e-38))``, so no single term is above 87.34.
    Backward ``dx_c = weight / n · (p_c - [c = l])``, and 0 where the label is ignored.

    Bottoms: the scores, any shape that has the axis; the labels, as many numbers as there are positions, such as N, N
    × 1 or N × 1 × H × W, each from 0 to classes - 1; they get no gradient. Top: the loss, without axes. Like Caffe,
    which always refuses a second top here, the layer gives no probabilities: a Softmax layer beside it does.
    Parameters: ``softmax_param { axis }`` (1); ``loss_param``: ``ignore_label`` (none);
    ``normalization`` (VALID; FULL: all positions, VALID: those not ignored, BATCH_SIZE: items, NONE: 1), the
    divisor, never below 1; the old ``normalize``: true means VALID, false BATCH_SIZE.
    Errors: ShapeError where the number of labels does not fit; DataError for a label out of range, with its place.

    Example::

        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc8" bottom: "label" top: "loss" }

    Source: Caffe's SoftmaxWithLoss layer.
    """

    type: ClassVar[str] = "SoftmaxWithLoss"
    param_field: ClassVar[str | None] = "softmax_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.normalizer = Normalizer.of(self.config)
        self.divisor = self.engine.zeros((), self.dtype)
        self.probability = Blob((0,), self.dtype, f"{self.name} probabilities")
        self.check_labels = LabelCheck(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        outer, classes, inner = around(bottom[0].shape, self.axis(bottom[0], self.param.axis, "axis"))
        if bottom[1].count != outer * inner:
            self.fail_shape(f"there must be one label for each of {outer * inner} positions", bottom[1], bottom[0])
        self.view, self.label_view = (outer, classes, inner), (outer, inner)
        self.probability.reshape_like(bottom[0])

    def repeats(self) -> bool:
        return True  # backward does; forward is told something, and is not repeated

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        ignore, x = self.normalizer.ignore_label, bottom[0].data.reshape(self.view)
        prob, label = self.probability.data.reshape(self.view), bottom[1].data.reshape(self.label_view)
        found = self.engine.softmax_loss(x, prob, label) if ignore is None else None
        if found is None:
            self.check_labels(bottom[1], self.view[1], ignore)
            self.engine.softmax_forward(x, prob)
            found = self.engine.softmax_loss_forward(prob, label, ignore)
        total, valid = found
        self.divisor[...] = divisor = self.normalizer(self.view[0], label.size, valid)
        top[0].data[...] = total / divisor

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if propagate_down[0]:
            prob, label = self.probability.data.reshape(self.view), bottom[1].data.reshape(self.label_view)
            weight, dx = top[0].diff, bottom[0].diff.reshape(self.view)
            self.engine.softmax_loss_backward(prob, label, self.normalizer.ignore_label, weight, self.divisor, dx)

    def true_classes(self, labels: Blob) -> tuple[Array, Array]:
        """The label of each position, outer × inner, and whether it counts; where it is ignored, the label is 0."""
        label, ignored = class_index(labels.data.reshape(self.label_view)), self.normalizer.ignore_label
        counts = np.ones(label.shape, bool) if ignored is None else label != ignored
        return np.where(counts, label, 0), counts

    def losses(self, labels: Blob) -> Array:
        """The loss of each position after forward, outer × inner, not divided, 0 where the label is ignored."""
        label, counts = self.true_classes(labels)
        found = np.take_along_axis(self.probability.data.reshape(self.view), label[:, None], 1)[:, 0]
        return np.where(counts, -np.log(np.maximum(found, SMALLEST)), 0)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [SoftmaxWithLoss]
