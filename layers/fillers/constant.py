"""constant: every element the same."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...plugins import hookimpl
from ..blob import Array
from .base import Filler


class Constant(Filler):
    """Every element is ``value``.

    Parameters: ``value`` (0). This is also what a layer uses for a filler that is left out, with 0 for most, 1 for
    Scale and 0.25 for PReLU; weights that all are 0 do not learn.

    Example::

        bias_filler { type: "constant" value: 0.1 }

    Source: Caffe's constant filler.
    """

    type: ClassVar[str] = "constant"

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        array.fill(self.param.value)


@hookimpl
def cortado_fillers() -> list[type[Filler]]:
    return [Constant]
