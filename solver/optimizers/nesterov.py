"""Nesterov: accelerated gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Array
from ...plugins import hookimpl
from .base import Optimizer


class Nesterov(Optimizer):
    """Nesterov's accelerated gradient.

    ``h' = momentum · h + rate · g``, ``w = w - ((1 + momentum) · h' - momentum · h)``.

    Fields: ``momentum`` (0). Source: Nesterov, 1983; Sutskever et al., 2013.
    """

    type: ClassVar[str] = "Nesterov"
    elementwise: ClassVar[bool] = True

    def update(self, w: Array, g: Array, history: Sequence[Array], rate: float, iteration: int) -> None:
        self.engine.nesterov_update(w, g, history[0], rate, self.param.momentum)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [Nesterov]
