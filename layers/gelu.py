"""GELU: the input times the chance that a normal number is below it."""

from __future__ import annotations

import math
from typing import ClassVar

from ..plugins import Choice, Parameters, ParametersClass, hookimpl
from .blob import Array
from .erf import normal_cdf
from .layer import Layer
from .pointwise import PointwiseLayer

EXACT, TANH = range(2)
ROOT = math.sqrt(2 / math.pi)
CUBIC = 0.044715


class GELUParameter(Parameters, field="gelu_param", number=5302):
    form = Choice(1, ("EXACT", "TANH"), doc="the exact function, or its approximation by tanh")


class GELU(PointwiseLayer):
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

    def value(self, x: Array, out: Array) -> None:
        xp = self.engine.xp
        if self.param.form == TANH:
            self._tanh(x, out)
            xp.add(out, 1, out=out)
            xp.multiply(out, 0.5, out=out)
        else:
            normal_cdf(self.engine, x, out)
        xp.multiply(out, x, out=out)

    def slope(self, x: Array, out: Array) -> None:
        if self.param.form == TANH:
            self._slope_of_tanh(x, out)
            return
        xp, density = self.engine.xp, self.work("rest", x)
        normal_cdf(self.engine, x, out)
        xp.multiply(x, x, out=density)
        xp.multiply(density, -0.5, out=density)
        xp.exp(density, out=density)
        xp.multiply(density, 1 / math.sqrt(2 * math.pi), out=density)
        xp.multiply(density, x, out=density)
        xp.add(out, density, out=out)

    def _tanh(self, x: Array, out: Array) -> None:
        """out = t, as in the formula."""
        xp = self.engine.xp
        xp.multiply(x, x, out=out)
        xp.multiply(out, ROOT * CUBIC, out=out)
        xp.add(out, ROOT, out=out)
        xp.multiply(out, x, out=out)
        xp.tanh(out, out=out)

    def _slope_of_tanh(self, x: Array, out: Array) -> None:
        xp, inner, rest = self.engine.xp, self.work("inner", x), self.work("rest", x)
        self._tanh(x, out)
        xp.clip(x, -30, 30, out=rest)  # further out 1 - t² is 0, and the cube must not overflow
        xp.multiply(rest, rest, out=inner)
        xp.multiply(inner, 1.5 * ROOT * CUBIC, out=inner)
        xp.add(inner, 0.5 * ROOT, out=inner)
        xp.multiply(inner, rest, out=inner)  # x / 2 times the derivative of what tanh is taken of
        xp.multiply(out, out, out=rest)
        xp.subtract(1, rest, out=rest)
        xp.multiply(rest, inner, out=rest)
        xp.add(out, 1, out=out)
        xp.multiply(out, 0.5, out=out)
        xp.add(out, rest, out=out)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [GELU]
