"""Accuracy: how often the true class is among the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..errors import NetError
from ..plugins import hookimpl
from .arity import Arity, between, exactly
from .blob import Array, Blob
from .labels import LabelCheck, class_index
from .layer import Blobs, Layer
from .views import around


class Accuracy(Layer):
    """The share of positions whose true class has one of the ``top_k`` highest scores.

    Forward: a position is right if fewer than top_k of the other classes score at least as much as the true one, so a
    tie counts against it, and so does NaN. ``accuracy = right / counted``, 0 if nothing counts. No backward.

    Bottoms: the scores, any shape that has the axis; the labels, as many numbers as there are positions, each from 0 to
    classes - 1. Tops: the accuracy, without axes; optionally the accuracy of each class by itself, 0 for a class that
    does not occur. Parameters, ``accuracy_param``: ``top_k`` (1); ``axis`` (1); ``ignore_label`` (none), whose
    positions do not count. Errors: ParameterError for top_k above the number of classes; ShapeError where the number
    of labels does not fit; DataError for a label out of range, with its place.

    Example::

        layer { name: "acc" type: "Accuracy" bottom: "fc8" bottom: "label" top: "acc" include { phase: TEST } }

    Source: Caffe's Accuracy layer.
    """

    type: ClassVar[str] = "Accuracy"
    param_field: ClassVar[str | None] = "accuracy_param"
    bottoms: ClassVar[Arity] = exactly(2)
    tops: ClassVar[Arity] = between(1, 2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0, 1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.top_k: int = self.param.top_k
        self.ignore: int | None = self.param.ignore_label if self.param.HasField("ignore_label") else None
        self.check_labels = LabelCheck(self)
        self.worse = Blob((0,), "bool", f"{self.name} comparison")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        outer, classes, inner = around(bottom[0].shape, self.axis(bottom[0], self.param.axis, "axis"))
        if bottom[1].count != outer * inner:
            self.fail_shape(f"there must be one label for each of {outer * inner} positions", bottom[1], bottom[0])
        if not 1 <= self.top_k <= classes:
            self.fail(f"top_k must be from 1 to the number of classes ({classes})", "top_k", got=self.top_k)
        self.view, self.label_view = (outer, classes, inner), (outer, inner)
        self.worse.reshape(self.view)
        top[0].reshape(())
        if len(top) > 1:
            top[1].reshape((classes,))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self.ignore is None and len(top) == 1:
            scores, labels = bottom[0].data.reshape(self.view), bottom[1].data.reshape(self.label_view)
            count = self.engine.count_right(scores, labels, self.top_k)
            if count is not None:
                top[0].data[...] = count / max(1, labels.size)
                return
        self.check_labels(bottom[1], self.view[1], self.ignore)
        label = class_index(bottom[1].data.reshape(self.label_view))
        counted = label != self.ignore if self.ignore is not None else None
        true = label if counted is None else self.engine.xp.where(counted, label, 0)
        right = self._right(bottom[0].data.reshape(self.view), true)
        if counted is not None:
            right, true = right[counted], true[counted]
        top[0].data[...] = right.sum() / max(1, right.size)
        if len(top) > 1:
            self._per_class(right.reshape(-1), true.reshape(-1), top[1].data)

    def _right(self, scores: Array, true: Array) -> Array:
        """Where fewer than top_k others are not worse than the true class."""
        xp = self.engine.xp
        xp.less(scores, xp.take_along_axis(scores, true[:, None], 1), out=self.worse.data)
        right: Array = self.view[1] - 1 - self.worse.data.sum(axis=1) < self.top_k
        return right

    def _per_class(self, right: Array, true: Array, share: Array) -> None:
        xp, classes = self.engine.xp, self.view[1]
        seen = xp.bincount(true, minlength=classes)
        share[...] = xp.bincount(true, weights=right, minlength=classes) / xp.maximum(seen, 1)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if any(propagate_down):
            raise NetError(
                "accuracy has no gradient, so nothing can be learned from it",
                where=self.context.position(),
                who=self.who,
                hint="use a loss such as SoftmaxWithLoss, and no loss_weight here",
            )


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Accuracy]
