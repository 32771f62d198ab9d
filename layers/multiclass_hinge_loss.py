"""MulticlassHingeLoss: every wrong class must score below the true one, by a margin."""

from __future__ import annotations

from typing import ClassVar

from ..plugins import Choice, Float, Parameters, ParametersClass, hookimpl
from .blob import Array
from .layer import Layer
from .margin_loss import MarginLoss


class MulticlassHingeLossParameter(Parameters, field="multiclass_hinge_loss_param", number=5305):
    margin = Float(1, default=1, above=0, doc="by how much the true class must be ahead")
    norm = Choice(2, ("L1", "L2"), doc="whether what is missing counts itself or squared")


class MulticlassHingeLoss(MarginLoss):
    """The loss of a multi-class support vector machine, which compares scores with each other (HingeLoss: with 1).

    Forward, with ``m_c = max(0, x_c - x_true + margin)`` for the wrong classes and 0 for the true one:
    ``loss = 1/N · sum m_c`` (L1) or ``1/N · sum m_c²`` (L2), over items and classes. With all scores alike it is
    (classes - 1) · margin.
    Backward, with ``g_c = 1`` where m_c > 0 (L1) or ``g_c = 2 m_c`` (L2): ``dx_c = weight / N · g_c`` for the wrong
    classes, and minus their sum for the true one.

    Bottoms: the scores, N × classes (further axes count as more classes); the labels, N numbers from 0 to classes - 1,
    which get no gradient. Top: the loss, without axes.

    Parameters, ``multiclass_hinge_loss_param``: ``margin`` (1); ``norm`` (L1, or L2).
    Errors: ShapeError where the number of labels does not fit; DataError for a label out of range, with its place.

    Example::

        layer { name: "loss" type: "MulticlassHingeLoss" bottom: "scores" bottom: "label" top: "loss" }

    Source: Weston and Watkins, "Multi-class Support Vector Machines", 1998.
    """

    type: ClassVar[str] = "MulticlassHingeLoss"
    parameters: ClassVar[ParametersClass | None] = MulticlassHingeLossParameter
    l2: ClassVar[int] = 1

    def find_margins(self, scores: Array, true: Array, margin: Array) -> None:
        xp = self.engine.xp
        xp.subtract(scores, xp.take_along_axis(scores, true, 1), out=margin)
        xp.add(margin, self.param.margin, out=margin)
        xp.maximum(margin, 0, out=margin)
        xp.put_along_axis(margin, true, 0, 1)

    def spread(self, dx: Array, true: Array) -> None:
        self.engine.xp.put_along_axis(dx, true, -dx.sum(axis=1, keepdims=True), 1)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [MulticlassHingeLoss]
