"""Mish: the input, gated by the tanh of its softplus."""

from __future__ import annotations

from typing import ClassVar

from ..plugins import hookimpl
from .blob import Array
from .layer import Layer
from .pointwise import PointwiseLayer


class Mish(PointwiseLayer):
    """A smooth curve near ReLU that dips below zero before it approaches it.

    Forward ``y = x · t`` with ``t = tanh(log(1 + exp(x)))``.
    Backward ``dx = dy · (t + x · (1 - t²) · s)`` with ``s = 1 / (1 + exp(-x))``.

    Bottom and top: any shape, the same. No parameters. In place the layer keeps a copy of its bottom.

    Example::

        layer { name: "act1" type: "Mish" bottom: "conv1" top: "act1" }

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """

    type: ClassVar[str] = "Mish"

    def value(self, x: Array, out: Array) -> None:
        self.engine.bnll_forward(x, out)
        self.engine.tanh_forward(out, out)
        self.engine.multiply(out, x, out)

    def slope(self, x: Array, out: Array) -> None:
        xp, rest, gate = self.engine.xp, self.work("rest", x), self.work("inner", x)
        self.engine.bnll_forward(x, out)
        self.engine.tanh_forward(out, out)
        self.engine.sigmoid_forward(x, gate)
        xp.multiply(out, out, out=rest)
        xp.subtract(1, rest, out=rest)
        xp.multiply(rest, gate, out=rest)
        xp.multiply(rest, x, out=rest)
        xp.add(out, rest, out=out)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Mish]
