"""gaussian: the normal distribution, optionally sparse."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...errors import ParameterError
from ...plugins import hookimpl
from ..blob import Array, Shape
from .base import Filler
from .draws import fill_normal


class Gaussian(Filler):
    """Drawn from the normal distribution of ``mean`` and ``std``; with ``sparse``, most of it is 0.

    With ``sparse: s`` each element is kept with probability s / shape[0] and is 0 otherwise, so that for weights of
    shape (out, in) each input feeds s outputs on average.

    Parameters: ``mean`` (0), ``std`` (1, at least 0), ``sparse`` (-1: off; at most shape[0]). Errors: ParameterError
    for values outside these.

    Example::

        weight_filler { type: "gaussian" std: 0.01 }

    Source: Caffe's gaussian filler; Martens, "Deep learning via Hessian-free optimization", 2010, on the sparse form.
    """

    type: ClassVar[str] = "gaussian"
    sparse: ClassVar[bool] = True

    def check(self, shape: Shape) -> None:
        super().check(shape)
        if not self.param.std >= 0:
            raise ParameterError("filler 'gaussian' needs std >= 0", got=f"{self.param.std:g}")
        rows = shape[0] if shape else 0
        if self.param.sparse < -1 or self.param.sparse > rows:
            raise ParameterError(
                f"filler 'gaussian' needs sparse from 0 to shape[0] = {rows}, or -1 for none",
                got=str(self.param.sparse),
            )

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        fill_normal(array, rng, self.param.mean, self.param.std)
        if self.param.sparse != -1 and array.size:
            array *= rng.random(array.shape, np.float32) < self.param.sparse / array.shape[0]


@hookimpl
def cortado_fillers() -> list[type[Filler]]:
    return [Gaussian]
