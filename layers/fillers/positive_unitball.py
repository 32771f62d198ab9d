"""positive_unitball: positive rows that sum to 1."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...errors import ParameterError
from ...plugins import hookimpl
from ..blob import Array, Shape
from .base import Filler
from .draws import fill_uniform


class PositiveUnitball(Filler):
    """Drawn evenly from 0 to 1, then divided by the sum of each item: the elements of each ``x[i]`` sum to 1.

    No parameters. Errors: ParameterError for a blob without axes.

    Example::

        weight_filler { type: "positive_unitball" }

    Source: Caffe's positive_unitball filler.
    """

    type: ClassVar[str] = "positive_unitball"

    def check(self, shape: Shape) -> None:
        super().check(shape)
        if not shape:
            raise ParameterError("filler 'positive_unitball' needs a blob with at least one axis", got="a scalar")

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        if array.size:
            fill_uniform(array, rng, 0, 1)
            rows = array.reshape(array.shape[0], -1)
            rows /= rows.sum(axis=1, keepdims=True)


@hookimpl
def cortado_fillers() -> list[type[Filler]]:
    return [PositiveUnitball]
