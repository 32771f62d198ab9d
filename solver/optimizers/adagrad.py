"""AdaGrad: rates that shrink with what each weight has seen."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import Optimizer, Rule


class AdaGrad(Optimizer):
    """Divides each weight's rate by the root of the sum of its squared gradients.

    ``h = h + g²``, ``w = w - rate · g / (√h + delta)``.

    Fields: ``delta`` (1e-8); ``momentum`` must be 0. Source: Duchi, Hazan and Singer, 2011.
    """

    type: ClassVar[str] = "AdaGrad"
    elementwise: ClassVar[bool] = True

    def check(self) -> None:
        self.refuse_momentum()

    def step(self, rate: float, iteration: int) -> Rule:
        return "adagrad_update", (rate, self.param.delta)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [AdaGrad]
