"""Labels: whole numbers in a floating blob, checked before they are used as indices."""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .blob import Array, Blob
from .layer import Layer


class LabelCheck:
    """Refuses labels outside [0, classes), with their value and place; Caffe would read beyond the end of an array.

    A label's fraction is dropped, as Caffe does; one that then equals *ignore* may be anything.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.fine, self.other = Blob((0,), np.bool_), Blob((0,), np.bool_)
        self.whole = Blob((0,), layer.dtype)

    def __call__(self, labels: Blob, classes: int, ignore: int | None = None) -> None:
        """Errors: DataError naming the first wrong label, its index in the blob, and the number of classes."""
        xp, label = self.layer.engine.xp, labels.data
        if not label.size or (ignore is None and self.layer.engine.labels_fit(label, classes)):
            return
        for buffer in (self.fine, self.other, self.whole):
            buffer.reshape(labels.shape)
        fine, other, whole = self.fine.data, self.other.data, self.whole.data
        xp.greater_equal(label, 0, out=fine)
        xp.less(label, classes, out=other)
        xp.logical_and(fine, other, out=fine)
        if ignore is not None:
            xp.trunc(label, out=whole)
            xp.equal(whole, ignore, out=other)
            xp.logical_or(fine, other, out=fine)
        if not fine.all():
            self._refuse(labels, fine, classes)

    def _refuse(self, labels: Blob, fine: Array, classes: int) -> None:
        at = np.unravel_index(int(fine.argmin()), labels.shape)
        place = ", ".join(str(int(i)) for i in at)
        error = DataError(
            f"labels must be from 0 to {classes - 1}, as there are {classes} classes",
            where=self.layer.context.position(),
            who=self.layer.who,
            got=f"{float(labels.data[at]):g} at '{labels.told}'[{place}]",
            hint="mark labels to skip with ignore_label, where the layer has it, or raise the number of outputs",
        )
        error.item = (labels.name, int(at[0]) if at else 0)
        raise error


def class_index(label: Array) -> Array:
    """Labels as indices, for arrays that have passed the check."""
    return label.astype(np.intp)
