"""uniform: drawn evenly from an interval."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...errors import ParameterError
from ...plugins import hookimpl
from ..blob import Array, Shape
from .base import Filler
from .draws import fill_uniform


class Uniform(Filler):
    """Drawn evenly from ``min`` to ``max``.

    Parameters: ``min`` (0), ``max`` (1). Errors: ParameterError if min is above max.

    Example::

        weight_filler { type: "uniform" min: -0.1 max: 0.1 }

    Source: Caffe's uniform filler.
    """

    type: ClassVar[str] = "uniform"

    def check(self, shape: Shape) -> None:
        super().check(shape)
        if self.param.min > self.param.max:
            raise ParameterError(
                "filler 'uniform' needs min <= max", got=f"min {self.param.min:g}, max {self.param.max:g}"
            )

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        fill_uniform(array, rng, self.param.min, self.param.max)


@hookimpl
def cortado_fillers() -> list[type[Filler]]:
    return [Uniform]
