"""exp: exponential decay."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import LearningRatePolicy


class Exp(LearningRatePolicy):
    """Rate ``base_lr · gamma ^ iteration``. Fields: ``gamma`` (>= 0)."""

    type: ClassVar[str] = "exp"

    def check(self) -> None:
        super().check()
        self.need_not_negative("gamma")

    def rate(self, iteration: int) -> float:
        p = self.param
        return float(p.base_lr * p.gamma**iteration)


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [Exp]
