"""AdaGrad: rates that shrink with what each weight has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Array
from ...plugins import hookimpl
from .base import Optimizer


class AdaGrad(Optimizer):
    """Divides each weight's rate by the root of the sum of its squared gradients.

    ``h = h + g²``, ``w = w - rate · g / (√h + delta)``.

    Fields: ``delta`` (1e-8); ``momentum`` must be 0. Source: Duchi, Hazan and Singer, 2011.
    """

    type: ClassVar[str] = "AdaGrad"
    elementwise: ClassVar[bool] = True

    def check(self) -> None:
        self.refuse_momentum()

    def update(self, w: Array, g: Array, history: Sequence[Array], rate: float, iteration: int) -> None:
        self.engine.adagrad_update(w, g, history[0], rate, self.param.delta)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [AdaGrad]
