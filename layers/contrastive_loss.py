"""ContrastiveLoss: pulls similar pairs together and pushes others apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .arity import Arity, exactly
from .blob import Array, Blob
from .layer import Blobs, Layer
from .loss import LossLayer

GUARD = 1e-4
"""Added to the distance in the gradient, which has it as a divisor."""


class ContrastiveLoss(LossLayer):
    """Similar pairs shall be close, dissimilar ones at least ``margin`` apart: the loss of siamese nets.

    Forward, with d the distance of a and b of an item: ``loss = 1/(2 N) · sum (d² if similar else max(margin - d,
    0)²)``; with ``legacy_version`` dissimilar pairs count ``max(margin - d², 0)`` instead.
    Backward ``da = weight / N · (a - b)`` for similar pairs; for others closer than the margin
    ``-weight / N · (margin - d) / (d + 1e-4) · (a - b)``, with ``legacy_version`` ``-weight / N · (a - b)``, else 0;
    ``db = -da``. The 1e-4 keeps identical pairs from dividing by 0.

    Bottoms: a and b, N items of as many elements; similar, N numbers, 0 for dissimilar (fractions are dropped), which
    get no gradient. Top: the loss, without axes. Parameters, ``contrastive_loss_param``: ``margin`` (1),
    ``legacy_version`` (false). Errors: ShapeError where the sizes do not fit.

    Example::

        layer {
          name: "loss" type: "ContrastiveLoss" bottom: "feat" bottom: "feat_p" bottom: "sim" top: "loss"
          contrastive_loss_param { margin: 1 }
        }

    Source: Caffe's ContrastiveLoss layer; Hadsell et al., "Dimensionality reduction by learning an invariant mapping",
    2006.
    """

    type: ClassVar[str] = "ContrastiveLoss"
    param_field: ClassVar[str | None] = "contrastive_loss_param"
    bottoms: ClassVar[Arity] = exactly(3)
    no_gradient_to: ClassVar[tuple[int, ...]] = (2,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.margin: float = self.param.margin
        self.legacy: bool = self.param.legacy_version
        self.difference = Blob((0,), self.dtype, f"{self.name} difference")
        self.squared = Blob((0,), self.dtype, f"{self.name} squared distances")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].count != bottom[1].count:
            self.fail_shape("both members of a pair must have as many elements", *bottom[:2])
        self.items = bottom[0].shape[0]
        if bottom[2].count != self.items:
            self.fail_shape(f"there must be one number for each of {self.items} pairs", bottom[2])
        self.view = (self.items, bottom[0].count // max(1, self.items))
        self.difference.reshape(self.view)
        self.squared.reshape((self.items,))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, difference, squared = self.engine.xp, self.difference.data, self.squared.data
        xp.subtract(bottom[0].data.reshape(self.view), bottom[1].data.reshape(self.view), out=difference)
        xp.einsum("ij,ij->i", difference, difference, out=squared)
        short = xp.maximum(self._shortfall(), 0)
        apart = short if self.legacy else short * short
        terms = xp.where(self._similar(bottom), squared, apart)
        top[0].data[...] = float(terms.sum(dtype="float64")) / (2 * max(1, self.items))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        xp, short = self.engine.xp, self._shortfall()
        pull = 1 if self.legacy else short / (xp.sqrt(self.squared.data) + GUARD)
        factor = xp.where(self._similar(bottom), 1, xp.where(short > 0, -pull, 0))
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                scale = sign * float(top[0].diff) / max(1, self.items)
                dx = bottom[index].diff.reshape(self.view)
                xp.multiply(self.difference.data, (scale * factor)[:, None], out=dx)

    def _shortfall(self) -> Array:
        """By how much the distance, or in the legacy version its square, falls short of the margin."""
        squared = self.squared.data
        short: Array = self.margin - (squared if self.legacy else self.engine.xp.sqrt(squared))
        return short

    def _similar(self, bottom: Blobs) -> Array:
        similar: Array = self.engine.xp.trunc(bottom[2].data.reshape(-1)) != 0
        return similar


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [ContrastiveLoss]
