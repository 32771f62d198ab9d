"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from .base import Optimizer, Rule


class SGD(Optimizer):
    """Gradient descent with momentum.

    ``h = momentum · h + rate · g``, ``w = w - h``; the rate is inside the history, as in Caffe.

    Fields: ``momentum`` (0). Source: Polyak, 1964; Bottou, "Stochastic Gradient Descent Tricks", 2012.
    """

    type: ClassVar[str] = "SGD"
    elementwise: ClassVar[bool] = True

    def step(self, rate: float, iteration: int) -> Rule:
        return "sgd_update", (rate, self.param.momentum)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [SGD]
