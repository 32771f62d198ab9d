"""Nesterov: accelerated gradient."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import Optimizer, Rule


class Nesterov(Optimizer):
    """Nesterov's accelerated gradient.

    ``h' = momentum · h + rate · g``, ``w = w - ((1 + momentum) · h' - momentum · h)``.

    Fields: ``momentum`` (0). Source: Nesterov, 1983; Sutskever et al., 2013.
    """

    type: ClassVar[str] = "Nesterov"
    elementwise: ClassVar[bool] = True

    def step(self, rate: float, iteration: int) -> Rule:
        return "nesterov_update", (rate, self.param.momentum)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [Nesterov]
