"""MulticlassHingeLoss: every wrong class must score below the true one, by a margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import Choice, Float, Parameters, ParametersClass, hookimpl
from .blob import Blob
from .labels import LabelCheck, class_index
from .layer import Blobs, Layer
from .loss import LossLayer

L1, L2 = range(2)


class MulticlassHingeLossParameter(Parameters, field="multiclass_hinge_loss_param", number=5305):
    margin = Float(1, default=1, above=0, doc="by how much the true class must be ahead")
    norm = Choice(2, ("L1", "L2"), doc="whether what is missing counts itself or squared")


class MulticlassHingeLoss(LossLayer):
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

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self._missing_margin = Blob((0,), self.dtype, f"{self.name} margins")
        self.check_labels = LabelCheck(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.items = bottom[0].shape[0]
        if bottom[1].count != self.items:
            self.fail_shape(f"there must be one label for each of {self.items} items", bottom[1], bottom[0])
        self.view = (self.items, bottom[0].count // max(1, self.items))
        self._missing_margin.reshape(self.view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.check_labels(bottom[1], self.view[1])
        xp, margin, scores = self.engine.xp, self._missing_margin.data, bottom[0].data.reshape(self.view)
        true = class_index(bottom[1].data.reshape(self.items, 1))
        xp.subtract(scores, xp.take_along_axis(scores, true, 1), out=margin)
        xp.add(margin, self.param.margin, out=margin)
        xp.maximum(margin, 0, out=margin)
        xp.put_along_axis(margin, true, 0, 1)
        total = self.engine.sumsq(margin) if self.param.norm == L2 else self.engine.asum(margin)
        top[0].data[...] = total / max(1, self.items)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        xp, dx, scale = self.engine.xp, bottom[0].diff.reshape(self.view), float(top[0].diff) / max(1, self.items)
        if self.param.norm == L2:
            self.engine.scale_by(2 * scale, self._missing_margin.data, dx)
        else:
            xp.greater(self._missing_margin.data, 0, out=dx)
            self.engine.scale_by(scale, dx, dx)
        true = class_index(bottom[1].data.reshape(self.items, 1))
        xp.put_along_axis(dx, true, -dx.sum(axis=1, keepdims=True), 1)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [MulticlassHingeLoss]
