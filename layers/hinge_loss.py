"""HingeLoss: the loss of a support vector machine, one class against all others."""

from __future__ import annotations

from typing import ClassVar

from ..plugins import hookimpl
from .blob import Array
from .layer import Layer
from .margin_loss import MarginLoss


class HingeLoss(MarginLoss):
    """Wants the score of the true class to be at least 1, and all others at most -1.

    Forward, with ``s_c = -1`` for the true class and 1 for the others and ``m_c = max(0, 1 + s_c x_c)``:
    ``loss = 1/N · sum m_c`` (L1) or ``1/N · sum m_c²`` (L2), over items and classes.
    Backward ``dx_c = weight / N · s_c · sign(m_c)`` or ``weight / N · 2 s_c m_c``; on the margin itself it is 0.

    Bottoms: the scores, N × classes (further axes count as more classes); the labels, N numbers from 0 to classes - 1,
    which get no gradient. Top: the loss, without axes. Parameters, ``hinge_loss_param``: ``norm`` (L1, or L2).
    Errors: ShapeError where the number of labels does not fit; DataError for a label out of range, with its place.

    Example::

        layer { name: "loss" type: "HingeLoss" bottom: "scores" bottom: "label" hinge_loss_param { norm: L2 } }

    Source: Caffe's HingeLoss layer.
    """

    type: ClassVar[str] = "HingeLoss"
    param_field: ClassVar[str | None] = "hinge_loss_param"

    def find_margins(self, scores: Array, true: Array, margin: Array) -> None:
        self.engine.copy(scores, margin)
        self.spread(margin, true)
        self.engine.xp.add(margin, 1, out=margin)
        self.engine.xp.maximum(margin, 0, out=margin)

    def spread(self, dx: Array, true: Array) -> None:
        xp = self.engine.xp
        xp.put_along_axis(dx, true, -xp.take_along_axis(dx, true, 1), 1)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [HingeLoss]
