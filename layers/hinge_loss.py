"""HingeLoss: the loss of a support vector machine, one class against all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .blob import Array, Blob
from .labels import LabelCheck, class_index
from .layer import Blobs, Layer
from .loss import LossLayer

L2 = 2


class HingeLoss(LossLayer):
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

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.squared: bool = self.param.norm == L2
        self.margin = Blob((0,), self.dtype, f"{self.name} margins")
        self.check_labels = LabelCheck(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.items = bottom[0].shape[0]
        if bottom[1].count != self.items:
            self.fail_shape(f"there must be one label for each of {self.items} items", bottom[1], bottom[0])
        self.view = (self.items, bottom[0].count // max(1, self.items))
        self.margin.reshape(self.view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.check_labels(bottom[1], self.view[1])
        xp, margin = self.engine.xp, self.margin.data
        self.engine.copy(bottom[0].data.reshape(self.view), margin)
        self._flip_true(margin, bottom[1])
        xp.add(margin, 1, out=margin)
        xp.maximum(margin, 0, out=margin)
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
        self._flip_true(dx, bottom[1])

    def _flip_true(self, scores: Array, labels: Blob) -> None:
        """Change the sign at the true class of each item."""
        true = class_index(labels.data.reshape(self.items, 1))
        xp = self.engine.xp
        xp.put_along_axis(scores, true, -xp.take_along_axis(scores, true, 1), 1)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [HingeLoss]
