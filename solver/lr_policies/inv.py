"""inv: inverse decay."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import LearningRatePolicy


class Inv(LearningRatePolicy):
    """Rate ``base_lr · (1 + gamma · iteration) ^ (-power)``. Fields: ``gamma`` (>= 0), ``power``."""

    type: ClassVar[str] = "inv"

    def check(self) -> None:
        super().check()
        self.need_not_negative("gamma")

    def rate(self, iteration: int) -> float:
        p = self.param
        return float(p.base_lr * (1.0 + p.gamma * iteration) ** -p.power)


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [Inv]
