"""fixed: one rate for all iterations."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import LearningRatePolicy


class Fixed(LearningRatePolicy):
    """Rate ``base_lr``."""

    type: ClassVar[str] = "fixed"

    def rate(self, iteration: int) -> float:
        p = self.param
        return float(p.base_lr)


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [Fixed]
