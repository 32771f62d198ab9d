"""SoftmaxWithLossOHEM: SoftmaxWithLoss that tells the loss of each region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Arity, Blob, Blobs, between
from ...layers.labels import LabelCheck
from ...layers.loss import LossLayer, Normalizer
from ...layers.views import around


class SoftmaxWithLossOHEM(LossLayer):
    """SoftmaxWithLoss that also tells the probabilities and the loss of each region, by which one chooses.

    Forward ``loss = -1/n · sum log(max(p_l, 1.175e-38))`` with p the softmax of the scores and l the label, positions
    whose label is ``ignore_label`` left out; n as ``loss_param { normalization }`` says. Backward
    ``dx_c = weight / n · (p_c - [c = l])``.

    Bottoms: scores; labels, one for each position. Tops: the loss, without axes; then, as far as there are more, the
    probabilities (the shape of the scores) and the loss of each position (the shape of the labels), through which
    flows no gradient.

    Parameters: ``softmax_param { axis }`` (1); ``loss_param``: ``ignore_label``, ``normalization`` (VALID).
    Errors: ShapeError for another number of labels; DataError for a label out of range.

    Example::

        layer {
          name: "per_roi_loss" type: "SoftmaxWithLossOHEM" bottom: "cls_score" bottom: "labels"
          top: "temp_loss" top: "temp_prob" top: "per_roi_loss" loss_weight: 0 loss_weight: 0 loss_weight: 0
        }

    Source: R-FCN's layer; Shrivastava et al., 2016.
    """

    type: ClassVar[str] = "SoftmaxWithLossOHEM"
    param_field: ClassVar[str | None] = "softmax_param"
    tops: ClassVar[Arity] = between(1, 3)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.normalizer = Normalizer.of(self.config)
        self.probability = Blob(dtype=self.dtype, name=f"{self.name} probabilities")
        self.check_labels = LabelCheck(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        outer, classes, inner = around(bottom[0].shape, self.axis(bottom[0], self.param.axis, "axis"))
        if bottom[1].count != outer * inner:
            self.fail_shape(f"there must be one label for each of {outer * inner} positions", bottom[1], bottom[0])
        self.view, self.label_view = (outer, classes, inner), (outer, inner)
        self.probability.reshape_like(bottom[0])
        for blob, like in zip(top[1:], bottom, strict=False):
            blob.reshape_like(like)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        ignore = self.normalizer.ignore_label
        self.check_labels(bottom[1], self.view[1], ignore)
        prob, label = self.probability.data.reshape(self.view), bottom[1].data.reshape(self.label_view)
        self.engine.softmax_forward(bottom[0].data.reshape(self.view), prob)
        total, valid = self.engine.softmax_loss_forward(prob, label, ignore)
        self.divisor = self.normalizer(self.view[0], label.size, valid)
        top[0].data[...] = total / self.divisor
        if len(top) > 1:
            self.engine.copy(self.probability.data, top[1].data)
        if len(top) > 2:
            counts = np.ones(label.shape, bool) if ignore is None else label.astype(np.intp) != ignore
            chosen = np.where(counts, label, 0).astype(np.intp)[:, None]
            found = np.take_along_axis(prob, chosen, 1)[:, 0]
            losses = np.where(counts, -np.log(np.maximum(found, np.finfo(np.float32).tiny)), 0)
            top[2].data[...] = losses.reshape(top[2].shape)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if propagate_down[0]:
            prob, label = self.probability.data.reshape(self.view), bottom[1].data.reshape(self.label_view)
            scale, dx = float(top[0].diff) / self.divisor, bottom[0].diff.reshape(self.view)
            self.engine.softmax_loss_backward(prob, label, self.normalizer.ignore_label, scale, dx)
