"""AdaDelta: steps in the units of the weights."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import Optimizer, Rule


class AdaDelta(Optimizer):
    """Scales each gradient by the ratio of moving root mean squares of past updates and gradients.

    ``a = momentum · a + (1 - momentum) · g²``, ``u = g · √((b + delta) / (a + delta))``,
    ``b = momentum · b + (1 - momentum) · u²``, ``w = w - rate · u``; history a, then b.

    Fields: ``momentum``, the decay (0); ``delta`` (1e-8). Source: Zeiler, 2012.
    """

    type: ClassVar[str] = "AdaDelta"
    slots: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True

    def step(self, rate: float, iteration: int) -> Rule:
        return "adadelta_update", (rate, self.param.momentum, self.param.delta)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [AdaDelta]
