"""Loss functions over class labels."""

from __future__ import annotations

import numpy as np

from ..engine import Array, kernel
from .activations import Activations

# The smallest normal float32: Caffe takes the logarithm of nothing smaller, in either precision.
SMALLEST = 1.17549435e-38


class Losses(Activations):
    """Labels are whole numbers in a floating array. An ignore_label of None ignores nothing."""

    @kernel
    def softmax_loss_forward(self, prob: Array, label: Array, ignore_label: int | None) -> tuple[float, int]:
        """(sum of -log(max(prob[label], FLT_MIN)), number of positions), both over the positions that are not ignored.

        prob: [outer, C, inner]; label: [outer, inner], in [0, C) where not ignored. The sum is accumulated in float64.
        """
        index, ignored = _class_index(label, ignore_label)
        chosen = np.take_along_axis(prob, index, axis=1)[:, 0]
        logs = np.log(np.maximum(chosen, SMALLEST))
        np.copyto(logs, 0, where=ignored)
        return float(-logs.sum(dtype=np.float64)) + 0.0, int(ignored.size - np.count_nonzero(ignored))

    @kernel
    def softmax_loss_backward(
        self, prob: Array, label: Array, ignore_label: int | None, weight: Array, divisor: Array, dx: Array
    ) -> None:
        """dx[c] = weight / divisor * (prob[c] - (1 if c == label else 0)); 0 at ignored positions. dx may be prob.

        weight, divisor: one number each.
        """
        index, ignored = _class_index(label, ignore_label)
        scale = weight.item() / divisor.item()
        np.multiply(prob, scale, out=dx)
        np.put_along_axis(dx, index, np.take_along_axis(dx, index, axis=1) - scale, axis=1)
        np.copyto(dx, 0, where=ignored[:, None])

    @kernel
    def sigmoid_cross_entropy_forward(self, x: Array, target: Array, ignore_label: int | None) -> tuple[float, int]:
        """(sum of max(x, 0) - x * t + log(1 + exp(-|x|)), number of elements), both over the elements not ignored.

        That is -t log(s) - (1 - t) log(1 - s) with s = sigmoid(x), without overflow. x, target: any one shape. A target
        that becomes ignore_label when its fraction is dropped is ignored (Caffe's rule). Accumulated in float64.
        """
        loss, part = self.like("c", x), self.like("d", x)
        self.bnll_forward(x, loss)
        np.multiply(x, target, out=part)
        np.subtract(loss, part, out=loss)
        ignored = _ignored(target, ignore_label)
        np.copyto(loss, 0, where=ignored)
        return float(loss.sum(dtype=np.float64)), int(x.size - np.count_nonzero(ignored))

    @kernel
    def sigmoid_cross_entropy_backward(
        self, x: Array, target: Array, ignore_label: int | None, weight: Array, divisor: Array, dx: Array
    ) -> None:
        """dx = weight / divisor * (sigmoid(x) - target); 0 where ignored. dx may be x.

        weight, divisor: one number each.
        """
        self.sigmoid_forward(x, dx)
        np.subtract(dx, target, out=dx)
        np.copyto(dx, 0, where=_ignored(target, ignore_label))
        np.multiply(dx, weight.item() / divisor.item(), out=dx)


def _ignored(target: Array, ignore_label: int | None) -> Array:
    if ignore_label is None:
        return np.zeros(target.shape, np.bool_)
    ignored: Array = np.trunc(target) == ignore_label
    return ignored


def _class_index(label: Array, ignore_label: int | None) -> tuple[Array, Array]:
    """The labels as an index [outer, 1, inner], 0 where ignored, and where they are ignored."""
    ignored = _ignored(label, ignore_label)
    return np.where(ignored, 0, label).astype(np.intp)[:, None], ignored
