"""The base of losses of the difference of two blobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .blob import Array, Blob
from .layer import Blobs
from .loss import LossLayer


class DifferenceLoss(LossLayer):
    """A loss of ``d = a - b``, over N items; a and b have the same number of elements, and both get a gradient.

    A subclass gives the sum of the losses of all elements, ``total``, and their slopes, ``slopes``.
    """

    no_gradient_to: ClassVar[tuple[int, ...]] = ()

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.difference = Blob((0,), self.dtype, f"{self.name} difference")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].count != bottom[1].count:
            self.fail_shape("both bottoms must have as many elements", *bottom)
        self.items = max(1, bottom[0].shape[0])
        self.difference.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        difference = self.difference.data
        self.engine.xp.subtract(bottom[0].data, bottom[1].data.reshape(difference.shape), out=difference)
        top[0].data[...] = self.total(difference) / self.items

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        slopes = self.slopes(self.difference.data)
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                dx = bottom[index].diff.reshape(self.difference.shape)
                self.engine.scale_by(sign * float(top[0].diff) / self.items, slopes, dx)

    def total(self, difference: Array) -> float:
        """The sum of the losses of all elements."""
        raise NotImplementedError

    def slopes(self, difference: Array) -> Array:
        """The derivative of each element's loss."""
        raise NotImplementedError
