"""poly: a polynomial that ends at zero."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...plugins import hookimpl
from .base import LearningRatePolicy


class Poly(LearningRatePolicy):
    """Rate ``base_lr · (1 - iteration / max_iter) ^ power``. Fields: ``power``, ``max_iter``."""

    type: ClassVar[str] = "poly"

    def check(self) -> None:
        super().check()
        self.need_positive("max_iter")

    def rate(self, iteration: int) -> float:
        p = self.param
        left = np.float32(1.0) - np.float32(iteration) / np.float32(p.max_iter)  # in 32 bits, as Caffe has it
        return float(p.base_lr * max(0.0, float(left)) ** p.power)


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [Poly]
