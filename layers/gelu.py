"""GELU: the input times the chance that a normal number is below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import Choice, Parameters, ParametersClass, hookimpl
from .keeping import KeepingLayer
from .layer import Blobs, Layer

EXACT, TANH = range(2)


class GELUParameter(Parameters, field="gelu_param", number=5302):
    form = Choice(1, ("EXACT", "TANH"), doc="the exact function, or its approximation by tanh")


class GELU(KeepingLayer):
    """The Gaussian error linear unit: the input, weighted by its own rank among normal numbers.

    EXACT: forward ``y = x · Φ(x)`` with ``Φ(x) = (1 + erf(x / √2)) / 2``; backward ``dx = dy · (Φ(x) + x · φ(x))`` with
    ``φ(x) = exp(-x² / 2) / √(2π)``.
    TANH: forward ``y = x / 2 · (1 + t)`` with ``t = tanh(√(2/π) · (x + 0.044715 · x³))``, which differs by less than
    0.0005; backward ``dx = dy · ((1 + t) / 2 + x / 2 · (1 - t²) · √(2/π) · (1 + 0.134145 · x²))``.

    Bottom and top: any shape, the same. In place the layer keeps a copy of its bottom.

    Parameters, in ``gelu_param``: ``form`` (EXACT, or TANH, as many published weights were trained with).

    Example::

        layer { name: "act1" type: "GELU" bottom: "ip1" top: "act1" gelu_param { form: TANH } }

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """

    type: ClassVar[str] = "GELU"
    parameters: ClassVar[ParametersClass | None] = GELUParameter

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        engine = self.engine
        forward = engine.gelu_tanh_forward if self.param.form == TANH else engine.gelu_forward
        forward(self.keep(bottom, top), top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            engine = self.engine
            backward = engine.gelu_tanh_backward if self.param.form == TANH else engine.gelu_backward
            backward(self.kept(bottom, top), top[0].diff, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [GELU]
