"""Adam: moving means of the gradient and of its square."""

from __future__ import annotations

import math
from typing import ClassVar

from ...plugins import hookimpl
from .base import Optimizer, Rule


class Adam(Optimizer):
    """Moving means of gradient and squared gradient, corrected for their start at zero.

    ``m = β1 · m + (1 - β1) · g``, ``v = β2 · v + (1 - β2) · g²``,
    ``w = w - rate · √(1 - β2^t) / (1 - β1^t) · m / (√v + delta)`` with ``t = iteration + 1``; history m, then v.

    Fields: ``momentum`` is β1 (0, so set it), ``momentum2`` is β2 (0.999), ``delta`` (1e-8).
    Source: Kingma and Ba, 2015.
    """

    type: ClassVar[str] = "Adam"
    slots: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True

    def step(self, rate: float, iteration: int) -> Rule:
        beta1, beta2, t = self.param.momentum, self.param.momentum2, iteration + 1
        corrected = rate * math.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)
        return "adam_update", (corrected, beta1, beta2, self.param.delta)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [Adam]
