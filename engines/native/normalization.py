"""One number per channel, normalization, softmax, and the update rules."""

from __future__ import annotations

from ..engine import Array, Updater
from ..reference import ReferenceEngine
from . import _kernels
from .compiled import compiled


class Normalization(ReferenceEngine):
    """LRN within channels of other than two spatial axes runs in the reference."""

    prelu_forward = compiled("prelu_forward")
    prelu_backward_data = compiled("prelu_backward_data")
    prelu_backward_slope = compiled("prelu_backward_slope")
    scale_forward = compiled("scale_forward")
    scale_backward_data = compiled("scale_backward_data")
    scale_backward_scale = compiled("scale_backward_scale")
    bias_forward = compiled("bias_forward")
    bias_backward = compiled("bias_backward")
    lrn_across_forward = compiled("lrn_across_forward")
    lrn_across_backward = compiled("lrn_across_backward")
    lrn_within_forward = compiled("lrn_within_forward")
    lrn_within_backward = compiled("lrn_within_backward")
    batch_norm_statistics = compiled("batch_norm_statistics")
    batch_norm_forward = compiled("batch_norm_forward")
    batch_norm_backward = compiled("batch_norm_backward")
    batch_norm_scale_forward = compiled("batch_norm_scale_forward")
    batch_norm_scale_backward = compiled("batch_norm_scale_backward")
    batch_norm_backward_global = compiled("batch_norm_backward_global")
    mvn_forward = compiled("mvn_forward")
    mvn_backward = compiled("mvn_backward")
    softmax_forward = compiled("softmax_forward")
    softmax_backward = compiled("softmax_backward")
    softmax_loss_forward = compiled("softmax_loss_forward")
    softmax_loss_backward = compiled("softmax_loss_backward")
    sigmoid_cross_entropy_forward = compiled("sigmoid_cross_entropy_forward")
    sigmoid_cross_entropy_backward = compiled("sigmoid_cross_entropy_backward")

    def softmax_loss(self, x: Array, prob: Array, labels: Array) -> tuple[float, int] | None:
        try:
            found: tuple[float, int] = _kernels.softmax_loss(x, prob, labels)
        except TypeError:
            return None
        return found

    def count_right(self, x: Array, labels: Array, top_k: int) -> int | None:
        try:
            right: int = _kernels.count_right(x, labels, top_k)
        except TypeError:
            return None
        return right

    def labels_fit(self, labels: Array, classes: int) -> bool:
        try:
            return bool(_kernels.labels_fit(labels, classes))
        except TypeError:
            return super().labels_fit(labels, classes)


class Updates(ReferenceEngine):
    """Each rule in one pass over the parameter, its gradient and its history."""

    def updater(self, rule: str, arrays: list[tuple[Array, ...]], size: int) -> Updater | None:
        try:
            updater: Updater = _kernels.Updater(rule, arrays, size)
        except TypeError:
            return None
        return updater

    def clear(self, arrays: list[Array]) -> None:
        try:
            _kernels.clear(arrays)
        except TypeError:
            super().clear(arrays)

    regularize = compiled("regularize")
    sgd_update = compiled("sgd_update")
    nesterov_update = compiled("nesterov_update")
    adagrad_update = compiled("adagrad_update")
    rmsprop_update = compiled("rmsprop_update")
    adadelta_update = compiled("adadelta_update")
    adam_update = compiled("adam_update")
