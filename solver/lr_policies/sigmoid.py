"""sigmoid: a smooth step."""

from __future__ import annotations

import math
from typing import ClassVar

from ...plugins import hookimpl
from .base import LearningRatePolicy


class SigmoidPolicy(LearningRatePolicy):
    """Rate ``base_lr / (1 + exp(-gamma · (iteration - stepsize)))``.

    Fields: ``gamma`` (>= 0; the rate rises), ``stepsize`` (> 0), the iteration in the middle of the rise.
    """

    type: ClassVar[str] = "sigmoid"

    def check(self) -> None:
        super().check()
        self.need_not_negative("gamma")
        self.need_positive("stepsize")

    def rate(self, iteration: int) -> float:
        p = self.param
        exponent = min(700.0, -p.gamma * (iteration - p.stepsize))
        return float(p.base_lr / (1.0 + math.exp(exponent)))


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [SigmoidPolicy]
