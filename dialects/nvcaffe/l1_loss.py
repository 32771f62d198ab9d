"""L1Loss: the distance along the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Blob, Blobs
from ...layers.loss import LossLayer

FLOWNET = "l1_loss_param"


class L1Loss(LossLayer):
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
    no_gradient_to: ClassVar[tuple[int, ...]] = ()

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        given = [f for f, _ in self.config.ListFields() if f.name == FLOWNET]
        for field, _ in getattr(self.config, FLOWNET).ListFields() if given else ():
            self.fail(f"l1_loss_param {{ {field.name} }} is not implemented", FLOWNET, field.name)
        self.difference = Blob((0,), self.dtype, f"{self.name} difference")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].count != bottom[1].count:
            self.fail_shape("both bottoms must have as many elements", *bottom)
        self.items = max(1, bottom[0].shape[0])
        self.difference.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        difference, xp = self.difference.data, self.engine.xp
        xp.subtract(bottom[0].data, bottom[1].data.reshape(difference.shape), out=difference)
        top[0].data[...] = xp.abs(difference).sum() / self.items

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        signs = self.engine.xp.sign(self.difference.data)
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                dx = bottom[index].diff.reshape(self.difference.shape)
                self.engine.scale_by(sign * float(top[0].diff) / self.items, signs, dx)
