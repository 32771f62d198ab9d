"""step: a drop every so many iterations."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import LearningRatePolicy


class Step(LearningRatePolicy):
    """Rate ``base_lr · gamma ^ floor(iteration / stepsize)``. Fields: ``gamma``, ``stepsize`` (> 0)."""

    type: ClassVar[str] = "step"

    def check(self) -> None:
        super().check()
        self.need_not_negative("gamma")
        self.need_positive("stepsize")

    def rate(self, iteration: int) -> float:
        p = self.param
        self.current_step = iteration // p.stepsize
        return float(p.base_lr * p.gamma**self.current_step)


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [Step]
