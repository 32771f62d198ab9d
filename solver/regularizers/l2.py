"""L2: weight decay."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Array
from ...plugins import hookimpl
from .base import Regularizer


class L2(Regularizer):
    """Pulls every weight towards zero in proportion to its size.

    Loss ``strength / 2 · Σ w²``, gradient ``strength · w``. Caffe's default, known as weight decay.
    """

    type: ClassVar[str] = "L2"
    elementwise: ClassVar[bool] = True

    def loss(self, w: Array, strength: float) -> float:
        return 0.5 * strength * float(self.engine.sumsq(w))

    def factors(self, strength: float) -> tuple[float, float]:
        return 0.0, strength


@hookimpl
def cortado_regularizers() -> list[type[Regularizer]]:
    return [L2]
