"""RMSProp: rates over a moving root mean square."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import Optimizer, Rule


class RMSProp(Optimizer):
    """Divides each weight's rate by the root of a moving mean of its squared gradients.

    ``h = rms_decay · h + (1 - rms_decay) · g²``, ``w = w - rate · g / (√h + delta)``.

    Fields: ``rms_decay`` (0.99), ``delta`` (1e-8); ``momentum`` must be 0. Source: Tieleman and Hinton, 2012.
    """

    type: ClassVar[str] = "RMSProp"
    elementwise: ClassVar[bool] = True

    def check(self) -> None:
        self.refuse_momentum()

    def step(self, rate: float, iteration: int) -> Rule:
        return "rmsprop_update", (rate, self.param.rms_decay, self.param.delta)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [RMSProp]
