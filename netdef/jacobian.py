"""The Jacobian of a layer, as a matrix, from products with it: all that ``backward`` and ``forward`` ever compute.

Reverse: ``backward`` with the gradient 1 at one element of the top gives a row, ``eᵀ J``. Forward: the change of the
top when one element of the input moves gives a column, ``J e``, here by central differences in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import NetError
from ..layers import Array, Blob, Layer

STEP = 1e-6


@dataclass(frozen=True)
class Jacobians:
    """The same matrix twice, a row per element of the top and a column per element of the input."""

    reverse: Array
    forward: Array

    @property
    def error(self) -> float:
        """The largest difference of the two, relative to the largest element if that is above 1."""
        if not self.reverse.size:
            return 0.0
        return float(np.abs(self.reverse - self.forward).max() / max(1.0, float(np.abs(self.forward).max())))


def jacobians(
    layer: Layer, inputs: Sequence[Array], *, bottom: int | None = 0, param: int | None = None, top: int = 0
) -> Jacobians:
    """The Jacobian of top *top* of *layer* by bottom *bottom*, or by its learned blob *param*, at *inputs*.

    The layer must have been set up; it is run on blobs of its own and left with its learned blobs as they were. One
    that draws random numbers gets the same ones each time.
    Errors: NetError for a bottom that can have no gradient, or a top or blob that is not there.
    """
    run = _Run(layer, inputs, bottom if param is None else None, param, top)
    reverse = np.stack([run.row(index) for index in range(run.outputs)]) if run.outputs else np.zeros((0, run.inputs))
    columns = [run.column(index) for index in range(run.inputs)]
    forward = np.stack(columns, axis=1) if columns else np.zeros((run.outputs, 0))
    return Jacobians(reverse, forward)


class _Run:
    """A layer with blobs of its own, and the array that it is differentiated by."""

    def __init__(self, layer: Layer, inputs: Sequence[Array], bottom: int | None, param: int | None, top: int) -> None:
        self.layer, self.given = layer, [np.array(value) for value in inputs]
        self.bottoms = [Blob(value.shape, layer.dtype, f"bottom {i}") for i, value in enumerate(self.given)]
        self.tops = [Blob((0,), layer.dtype, f"top {i}") for i in range(max(1, len(layer.config.top)))]
        self._check(bottom, param, top)
        layer.reshape(self.bottoms, self.tops)
        self.top = self.tops[top]
        self.wanted = [index == bottom for index in range(len(self.bottoms))]
        self.blob = self.bottoms[bottom] if bottom is not None else layer.blobs[param or 0]
        self.values = self.given[bottom] if bottom is not None else self.blob.data.copy()
        self.learned = param
        self.inputs, self.outputs = self.blob.count, self.top.count

    def _check(self, bottom: int | None, param: int | None, top: int) -> None:
        layer = self.layer
        if bottom is not None and not 0 <= bottom < len(self.bottoms):
            raise NetError(f"there must be a bottom {bottom}", who=layer.who, got=f"{len(self.bottoms)} bottoms")
        if bottom is not None and not layer.takes_gradient(bottom, len(self.bottoms)):
            raise NetError(f"bottom {bottom} can have no gradient, so there is no Jacobian by it", who=layer.who)
        if param is not None and not 0 <= param < len(layer.blobs):
            raise NetError(f"there must be a learned blob {param}", who=layer.who, got=f"{len(layer.blobs)} blobs")
        if not 0 <= top < len(self.tops):
            raise NetError(f"there must be a top {top}", who=layer.who, got=f"{len(self.tops)} tops")

    def run_forward(self) -> None:
        self.layer.rng = self.layer.context.stream("forward", self.layer.name)
        for blob, value in zip(self.bottoms, self.given, strict=True):
            blob.data[...] = value
        self.layer.forward(self.bottoms, self.tops)

    def row(self, index: int) -> Array:
        """The gradient of element *index* of the top."""
        self.run_forward()
        for blob in self.tops:
            blob.diff[...] = 0
        self.top.diff.reshape(-1)[index] = 1
        wishes = self.layer.param_propagate_down
        self.layer.param_propagate_down = [i == self.learned for i in range(len(self.layer.blobs))]
        before = self.blob.diff.copy() if self.learned is not None else np.zeros(self.blob.shape)
        self.layer.backward(self.tops, self.wanted, self.bottoms)
        self.layer.param_propagate_down = wishes
        row: Array = (self.blob.diff - before).reshape(-1).copy()
        if self.learned is not None:
            self.blob.diff[...] = before
        return row

    def column(self, index: int) -> Array:
        """How the top moves with element *index* of what it is differentiated by."""
        flat = self.values.reshape(-1)
        here = float(flat[index])
        step = STEP * max(1.0, abs(here))
        ends = [self._at(index, here + step), self._at(index, here - step)]
        self._at(index, here)
        change: Array = (ends[0] - ends[1]) / (2 * step)
        return change

    def _at(self, index: int, value: float) -> Array:
        self.values.reshape(-1)[index] = value
        if self.learned is not None:
            self.blob.data[...] = self.values
        self.run_forward()
        result: Array = self.top.data.reshape(-1).copy()
        return result
