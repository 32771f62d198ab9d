"""L1Loss: the distance along the axes."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Array, Blobs
from ...layers.difference_loss import DifferenceLoss

FLOWNET = "l1_loss_param"


class L1Loss(DifferenceLoss):
    """The sum of the absolute differences of two blobs, per item: regression that is not led by outliers.

    Forward ``loss = sum |a - b| / N``. Backward ``da = weight · sign(a - b) / N``, 0 where they are equal, and
    ``db = -da``.

    Bottoms: a and b, with the same N items of the same number of elements. Top: the loss, without axes. No parameters;
    ``loss_weight`` scales. FlowNet 2's ``l1_loss_param``, where it asks for another norm, is refused.
    Errors: ShapeError where the sizes do not fit; ParameterError.

    Example::

        layer { name: "loss" type: "L1Loss" bottom: "boxes" bottom: "wanted" top: "loss" loss_weight: 2 }

    Source: NVCaffe's L1Loss layer, for DetectNet (2016).
    """

    type: ClassVar[str] = "L1Loss"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        given = [f for f, _ in self.config.ListFields() if f.name == FLOWNET]
        for field, _ in getattr(self.config, FLOWNET).ListFields() if given else ():
            self.fail(
                f"l1_loss_param {{ {field.name} }} is not implemented",
                FLOWNET,
                field.name,
                hint="without it the loss is the sum of absolute differences over the batch",
            )

    def total(self, difference: Array) -> float:
        return float(self.engine.xp.abs(difference).sum())

    def slopes(self, difference: Array) -> Array:
        signs: Array = self.engine.xp.sign(difference)
        return signs
