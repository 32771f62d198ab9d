"""L1: lasso."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Array
from ...plugins import hookimpl
from .base import Regularizer


class L1(Regularizer):
    """Pulls every weight towards zero with the same force, so that many end there.

    Loss ``strength · Σ |w|``, gradient ``strength · sign(w)`` with sign(0) = 0.
    """

    type: ClassVar[str] = "L1"
    elementwise: ClassVar[bool] = True

    def loss(self, w: Array, strength: float) -> float:
        return strength * float(self.engine.asum(w))

    def factors(self, strength: float) -> tuple[float, float]:
        return strength, 0.0


@hookimpl
def cortado_regularizers() -> list[type[Regularizer]]:
    return [L1]
