"""Mish: the input, gated by the tanh of its softplus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class Mish(KeepingLayer):
    """A smooth curve near ReLU that dips below zero before it approaches it.

    Forward ``y = x · t`` with ``t = tanh(log(1 + exp(x)))``.
    Backward ``dx = dy · (t + x · (1 - t²) · s)`` with ``s = 1 / (1 + exp(-x))``.

    Bottom and top: any shape, the same. No parameters. In place the layer keeps a copy of its bottom.

    Example::

        layer { name: "act1" type: "Mish" bottom: "conv1" top: "act1" }

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """

    type: ClassVar[str] = "Mish"

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.mish_forward(self.keep(bottom, top), top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.mish_backward(self.kept(bottom, top), top[0].diff, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Mish]
