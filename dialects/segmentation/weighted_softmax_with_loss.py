"""SoftmaxWithLoss that counts some classes more than others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Array, Blobs
from ...layers.softmax_with_loss import SoftmaxWithLoss


class WeightedSoftmaxWithLoss(SoftmaxWithLoss):
    """SoftmaxWithLoss in which a mistake costs as much as the weight of its true class says.

    Forward ``loss = 1/n · sum of w[l] · -log(max(p_l, 1.175e-38))``; backward ``dx_c = weight / n · w[l] · (p_c -
    [c = l])``. n counts positions as the stock layer does, not their weights. Without ``weight_by_label_freqs`` it is
    the stock layer.

    Bottoms, top and errors: as SoftmaxWithLoss. Parameters, in ``loss_param``, beside the stock ones:
    ``weight_by_label_freqs`` (false); ``class_weighting``, one weight for each class.
    Errors: ParameterError for another number of weights.

    Example::

        layer {
          name: "loss" type: "SoftmaxWithLoss" bottom: "conv" bottom: "label" top: "loss"
          loss_param { weight_by_label_freqs: true class_weighting: 0.3 class_weighting: 1.7 ignore_label: 11 }
        }

    Source: SegNet's SoftmaxWithLoss layer (Badrinarayanan et al., 2015).
    """

    type: ClassVar[str] = "SoftmaxWithLoss"
    reads: ClassVar[Sequence[str]] = ("LossParameter.weight_by_label_freqs", "LossParameter.class_weighting")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        loss = self.config.loss_param
        self.weighs: bool = getattr(loss, "weight_by_label_freqs", False)
        if self.weighs:
            self.class_weights = np.array(getattr(loss, "class_weighting", ()), self.dtype)
            if len(self.class_weights) != self.view[1]:
                rule = f"class_weighting must be given once for each of {self.view[1]} classes"
                where = self.context.position("loss_param", "class_weighting")
                self.fail(rule, got=f"{len(self.class_weights)} times", hint=f"see {where}" if where else None)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if self.weighs:
            top[0].data[...] = (self._weights(bottom) * self.losses(bottom[1])).sum() / self.divisor

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        if self.weighs and propagate_down[0]:
            dx = bottom[0].diff.reshape(self.view)
            self.engine.xp.multiply(dx, self._weights(bottom)[:, None], out=dx)

    def _weights(self, bottom: Blobs) -> Array:
        """The weight of each position, outer × inner: 0 where it is ignored."""
        label, counts = self.true_classes(bottom[1])
        return np.where(counts, self.class_weights[label], 0)
