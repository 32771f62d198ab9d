"""The base of losses with one label for each item of a batch."""

from __future__ import annotations

from .blob import Array, Blob
from .labels import LabelCheck, class_index
from .layer import Blobs
from .loss import LossLayer


class ItemLoss(LossLayer):
    """Scores of N × classes (further axes count as more classes), and N labels.

    Attributes: ``items``, N; ``view``, (N, classes).
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.check_labels = LabelCheck(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.items = bottom[0].shape[0]
        if bottom[1].count != self.items:
            self.fail_shape(f"there must be one label for each of {self.items} items", bottom[1], bottom[0])
        self.view = (self.items, bottom[0].count // max(1, self.items))

    def true_classes(self, labels: Blob) -> Array:
        """The label of each item as an index, N × 1."""
        return class_index(labels.data.reshape(self.items, 1))
