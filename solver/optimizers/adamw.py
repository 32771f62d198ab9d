"""AdamW: Adam whose weight decay stays out of the moving means."""

from __future__ import annotations

import math
from typing import ClassVar

from ...errors import SolverError
from ...plugins import hookimpl
from .base import Optimizer, Rule


class AdamW(Optimizer):
    """Adam, with the weights decayed beside the gradient step instead of through the gradient.

    First ``w = w - rate · strength · w``, strength being weight_decay · decay_mult; then as Adam:
    ``m = β1 · m + (1 - β1) · g``, ``v = β2 · v + (1 - β2) · g²``,
    ``w = w - rate · √(1 - β2^t) / (1 - β1^t) · m / (√v + delta)`` with ``t = iteration + 1``; history m, then v.

    Fields: ``momentum`` is β1 (0.9 where it is not set), ``momentum2`` is β2 (0.999), ``delta`` (1e-8);
    ``weight_decay``, which must be set and is usually some hundred times that of SGD; ``regularization_type`` must be
    left at L2.

    Example::

        type: "AdamW"  base_lr: 0.001  weight_decay: 0.01

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    """

    type: ClassVar[str] = "AdamW"
    slots: ClassVar[int] = 2
    decoupled: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True

    def check(self) -> None:
        self.refuse_regularizer()
        if not self.param.HasField("weight_decay"):
            hint = "set it, 0.01 is usual; without decay AdamW is Adam"
            raise SolverError("AdamW needs weight_decay", got="none", hint=hint)

    def step(self, rate: float, iteration: int) -> Rule:
        beta1 = self.param.momentum if self.param.HasField("momentum") else 0.9
        beta2, t = self.param.momentum2, iteration + 1
        corrected = rate * math.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)
        return "adam_update", (corrected, beta1, beta2, self.param.delta)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [AdamW]
