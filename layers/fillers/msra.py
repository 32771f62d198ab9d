"""msra: the width that suits rectified units."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from ...plugins import hookimpl
from ..blob import Array
from .base import Filler, fans
from .draws import fill_normal


class MSRA(Filler):
    """Drawn from the normal distribution of mean 0 and ``std = sqrt(2 / n)``.

    n is the fan-in, ``count / shape[0]``; with ``variance_norm: FAN_OUT`` it is ``count / shape[1]``, with ``AVERAGE``
    the mean of both.

    Parameters: ``variance_norm`` (FAN_IN).

    Example::

        weight_filler { type: "msra" }

    Source: Caffe's msra filler; He et al., "Delving deep into rectifiers", 2015.
    """

    type: ClassVar[str] = "msra"

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        if array.size:
            fill_normal(array, rng, 0, sqrt(2 / fans(array.shape, self.param.variance_norm)))


@hookimpl
def cortado_fillers() -> list[type[Filler]]:
    return [MSRA]
