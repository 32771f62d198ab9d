"""xavier: a width that keeps the variance from layer to layer."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from ...plugins import hookimpl
from ..blob import Array
from .base import Filler, fans
from .draws import fill_uniform


class Xavier(Filler):
    """Drawn evenly from -r to r with ``r = sqrt(3 / n)``, so that the variance is 1 / n.

    n is the fan-in, ``count / shape[0]``; with ``variance_norm: FAN_OUT`` it is ``count / shape[1]``, with ``AVERAGE``
    the mean of both. That holds for every layer, also for those that keep their weights the other way round.

    Parameters: ``variance_norm`` (FAN_IN).

    Example::

        weight_filler { type: "xavier" }

    Source: Caffe's xavier filler; Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, whose form is AVERAGE.
    """

    type: ClassVar[str] = "xavier"

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        if array.size:
            width = sqrt(3 / fans(array.shape, self.param.variance_norm))
            fill_uniform(array, rng, -width, width)


@hookimpl
def cortado_fillers() -> list[type[Filler]]:
    return [Xavier]
