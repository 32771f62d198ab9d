"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Array
from ...plugins import hookimpl
from .base import Optimizer


class SGD(Optimizer):
    """Gradient descent with momentum.

    ``h = momentum · h + rate · g``, ``w = w - h``; the rate is inside the history, as in Caffe.

    Fields: ``momentum`` (0). Source: Polyak, 1964; Bottou, "Stochastic Gradient Descent Tricks", 2012.
    """

    type: ClassVar[str] = "SGD"
    elementwise: ClassVar[bool] = True

    def update(self, w: Array, g: Array, history: Sequence[Array], rate: float, iteration: int) -> None:
        self.engine.sgd_update(w, g, history[0], rate, self.param.momentum)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [SGD]
