"""SmoothL1LossOHEM: SmoothL1Loss that tells the loss of each region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Arity, Blobs, between
from ...layers.loss import Normalizer
from ...layers.views import around
from .smooth_l1_loss import SmoothL1Loss


class SmoothL1LossOHEM(SmoothL1Loss):
    """SmoothL1Loss that also tells the loss of each region, by which a BoxAnnotatorOHEM chooses.

    Forward and backward as SmoothL1Loss with sigma 1, divided by what ``loss_param { normalization }`` says instead of
    the batch: VALID and FULL: positions (number · height · width), BATCH_SIZE: number, NONE: 1, PRE_FIXED:
    ``pre_fixed_normalizer``.

    Bottoms: as SmoothL1Loss, N × C × H × W. Tops: the loss, without axes; if there is a second one the loss of each
    position, N × 1 × H × W, summed over the channels and not divided; it passes no gradient.

    Parameters: ``loss_param { normalization }`` (VALID).
    Errors: ShapeError for bottoms of different shapes, or fewer than two axes.

    Example::

        layer {
          name: "per_roi_loss" type: "SmoothL1LossOHEM" bottom: "bbox_pred" bottom: "bbox_targets" bottom: "weights"
          top: "temp_loss" top: "per_roi_loss" loss_weight: 0 loss_weight: 0
        }

    Source: R-FCN's layer; Shrivastava et al., "Training Region-based Object Detectors with Online Hard Example
    Mining", 2016.
    """

    type: ClassVar[str] = "SmoothL1LossOHEM"
    tops: ClassVar[Arity] = between(1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.normalizer = Normalizer.of(self.config)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].num_axes < 2:
            self.fail_shape("the bottoms must have at least two axes (number, channels)", bottom[0])
        self.view = around(bottom[0].shape, 1)
        for blob in top[1:]:
            blob.reshape((bottom[0].shape[0], 1, *bottom[0].shape[2:]))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        losses = self.losses(bottom).reshape(self.view)
        positions = self.view[0] * self.view[2]
        self.divisor = self.normalizer(self.view[0], positions, positions)
        top[0].data[...] = losses.sum() / self.divisor
        for blob in top[1:]:
            blob.data[...] = losses.sum(1).reshape(blob.shape)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                self.gradient(bottom, sign * float(top[0].diff) / self.divisor, bottom[index].diff)
