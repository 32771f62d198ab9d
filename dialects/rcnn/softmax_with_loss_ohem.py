"""SoftmaxWithLossOHEM: SoftmaxWithLoss that tells the loss of each region."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Arity, Blobs, between
from ...layers.softmax_with_loss import SoftmaxWithLoss


class SoftmaxWithLossOHEM(SoftmaxWithLoss):
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
    tops: ClassVar[Arity] = between(1, 3)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        for blob, like in zip(top[1:], bottom, strict=False):
            blob.reshape_like(like)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if len(top) > 1:
            self.engine.copy(self.probability.data, top[1].data)
        if len(top) > 2:
            top[2].data[...] = self.losses(bottom[1]).reshape(top[2].shape)
