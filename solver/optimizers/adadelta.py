"""AdaDelta: steps in the units of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Array
from ...plugins import hookimpl
from .base import Optimizer


class AdaDelta(Optimizer):
    """Scales each gradient by the ratio of moving root mean squares of past updates and gradients.

    ``a = momentum · a + (1 - momentum) · g²``, ``u = g · √((b + delta) / (a + delta))``,
    ``b = momentum · b + (1 - momentum) · u²``, ``w = w - rate · u``; history a, then b.

    Fields: ``momentum``, the decay (0); ``delta`` (1e-8). Source: Zeiler, 2012.
    """

    type: ClassVar[str] = "AdaDelta"
    slots: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True

    def update(self, w: Array, g: Array, history: Sequence[Array], rate: float, iteration: int) -> None:
        a, b = history
        self.engine.adadelta_update(w, g, a, b, rate, self.param.momentum, self.param.delta)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [AdaDelta]
