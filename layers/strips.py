"""Strips: the parts of a blob that lie side by side along one axis, which Concat and Slice copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from .blob import Array, Shape
from .views import around


@dataclass(frozen=True)
class Strips:
    """Where the parts of sizes *sizes* along *axis* lie in an array of *shape*, seen as *outer* rows."""

    outer: int
    width: int
    bounds: tuple[tuple[int, int], ...]

    @classmethod
    def along(cls, shape: Shape, axis: int, sizes: Sequence[int]) -> Strips:
        outer, size, inner = around(shape, axis)
        ends = [0, *accumulate(part * inner for part in sizes)]
        return cls(outer, size * inner, tuple(pairwise(ends)))

    def of(self, whole: Array, index: int) -> Array:
        """Part *index* of *whole*, as a view of rows."""
        begin, end = self.bounds[index]
        return whole.reshape(self.outer, self.width)[:, begin:end]

    def rows(self, part: Array, index: int) -> Array:
        """The array of part *index*, as a view of rows."""
        begin, end = self.bounds[index]
        return part.reshape(self.outer, end - begin)
