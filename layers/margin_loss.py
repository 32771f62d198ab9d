"""The base of hinge losses: how far each class is from where the label wants it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .blob import Array, Blob
from .item_loss import ItemLoss
from .layer import Blobs


class MarginLoss(ItemLoss):
    """``loss = 1/N · sum m_c`` (norm L1) or ``1/N · sum m_c²`` (norm L2) of margins m_c >= 0, over items and classes.

    Subclasses say what the margins are, ``find_margins``, and how ``g_c = sign(m_c)`` (L1) or ``2 m_c`` (L2), times
    weight / N, becomes the gradient of the scores, ``spread``. Both get arrays of N × classes, and the true class of
    each item, N × 1.
    """

    l2: ClassVar[int] = 2
    """The number of L2 in the parameter ``norm``."""

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.squared: bool = self.param.norm == self.l2
        self.margin = Blob((0,), self.dtype, f"{self.name} margins")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.margin.reshape(self.view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.check_labels(bottom[1], self.view[1])
        margin = self.margin.data
        self.find_margins(bottom[0].data.reshape(self.view), self.true_classes(bottom[1]), margin)
        total = self.engine.sumsq(margin) if self.squared else self.engine.asum(margin)
        top[0].data[...] = total / max(1, self.items)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        dx, scale = bottom[0].diff.reshape(self.view), float(top[0].diff) / max(1, self.items)
        if self.squared:
            self.engine.scale_by(2 * scale, self.margin.data, dx)
        else:
            self.engine.xp.sign(self.margin.data, out=dx)
            self.engine.scale_by(scale, dx, dx)
        self.spread(dx, self.true_classes(bottom[1]))

    def find_margins(self, scores: Array, true: Array, margin: Array) -> None:
        """Write the margins of *scores* to *margin*."""
        raise NotImplementedError

    def spread(self, dx: Array, true: Array) -> None:
        """Turn the gradient of the margins into that of the scores, in place."""
        raise NotImplementedError
