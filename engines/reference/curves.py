"""Curves: activations that came after Caffe's own, and values kept between bounds."""

from __future__ import annotations

import math

import numpy as np

from ..engine import Array, kernel
from .activations import Activations
from .erf import normal_cdf

ROOT = math.sqrt(2 / math.pi)
CUBIC = 0.044715


class Curves(Activations):
    """Arrays are of any one shape. In place: y may be x, and dx may be dy; x is the input, not what came of it."""

    @kernel
    def clip_forward(self, x: Array, y: Array, low: float, high: float) -> None:
        """y = min(max(x, low), high); low <= high."""
        np.clip(x, low, high, out=y)

    @kernel
    def clip_backward(self, x: Array, dy: Array, dx: Array, low: float, high: float) -> None:
        """dx = dy * (1 if low <= x <= high else 0)."""
        inside, below = self.like("a", x), self.like("b", x)
        np.greater_equal(x, low, out=inside)
        np.less_equal(x, high, out=below)
        np.multiply(inside, below, out=inside)
        np.multiply(dy, inside, out=dx)

    @kernel
    def hard_sigmoid_forward(self, x: Array, y: Array, alpha: float, beta: float) -> None:
        """y = min(max(alpha * x + beta, 0), 1)."""
        np.multiply(x, alpha, out=y)
        np.add(y, beta, out=y)
        np.clip(y, 0, 1, out=y)

    @kernel
    def hard_sigmoid_backward(self, y: Array, dy: Array, dx: Array, alpha: float) -> None:
        """dx = dy * (alpha if 0 < y < 1 else 0). y is the output."""
        inside, below = self.like("a", y), self.like("b", y)
        np.greater(y, 0, out=inside)
        np.less(y, 1, out=below)
        np.multiply(inside, below, out=inside)
        np.multiply(inside, alpha, out=inside)
        np.multiply(dy, inside, out=dx)

    @kernel
    def hard_swish_forward(self, x: Array, y: Array) -> None:
        """y = x * min(max(x / 6 + 1 / 2, 0), 1)."""
        gate = self.like("a", x)
        np.multiply(x, 1 / 6, out=gate)
        np.add(gate, 0.5, out=gate)
        np.clip(gate, 0, 1, out=gate)
        np.multiply(x, gate, out=y)

    @kernel
    def hard_swish_backward(self, x: Array, dy: Array, dx: Array) -> None:
        """dx = dy * (0 if x <= -3, 1 if x >= 3, x / 3 + 1 / 2 between)."""
        slope, inside, above = self.like("a", x), self.like("b", x), self.like("c", x)
        np.greater_equal(x, 3, out=above)
        np.abs(x, out=inside)
        np.less(inside, 3, out=inside)
        np.clip(x, -3, 3, out=slope)
        np.multiply(slope, 1 / 3, out=slope)
        np.add(slope, 0.5, out=slope)
        np.multiply(slope, inside, out=slope)
        np.add(slope, above, out=slope)
        np.multiply(dy, slope, out=dx)

    @kernel
    def mish_forward(self, x: Array, y: Array) -> None:
        """y = x * tanh(log(1 + exp(x)))."""
        gate = self.like("c", x)
        self.bnll_forward(x, gate)
        np.tanh(gate, out=gate)
        np.multiply(x, gate, out=y)

    @kernel
    def mish_backward(self, x: Array, dy: Array, dx: Array) -> None:
        """dx = dy * (t + x * (1 - t^2) * sigmoid(x)) with t = tanh(log(1 + exp(x)))."""
        gate, slope = self.like("c", x), self.like("d", x)
        self._sigmoid(x, slope)
        self.bnll_forward(x, gate)
        np.tanh(gate, out=gate)
        np.multiply(slope, x, out=slope)
        rest = self.like("a", x)
        np.multiply(gate, gate, out=rest)
        np.subtract(1, rest, out=rest)
        np.multiply(slope, rest, out=slope)
        np.add(slope, gate, out=slope)
        np.multiply(dy, slope, out=dx)

    @kernel
    def gelu_forward(self, x: Array, y: Array) -> None:
        """y = x * P(x), P(x) = (1 + erf(x / sqrt(2))) / 2 being the share of a normal distribution below x."""
        share = self.like("a", x)
        normal_cdf(self, x, share)
        np.multiply(x, share, out=y)

    @kernel
    def gelu_backward(self, x: Array, dy: Array, dx: Array) -> None:
        """dx = dy * (P(x) + x * exp(-x^2 / 2) / sqrt(2 pi))."""
        slope, density = self.like("a", x), self.like("b", x)
        normal_cdf(self, x, slope)
        np.multiply(x, x, out=density)
        np.multiply(density, -0.5, out=density)
        np.exp(density, out=density)
        np.multiply(density, 1 / math.sqrt(2 * math.pi), out=density)
        np.multiply(density, x, out=density)
        np.add(slope, density, out=slope)
        np.multiply(dy, slope, out=dx)

    @kernel
    def gelu_tanh_forward(self, x: Array, y: Array) -> None:
        """y = x / 2 * (1 + t) with t = tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))."""
        gate = self.like("a", x)
        self._cubic_tanh(x, gate)
        np.add(gate, 1, out=gate)
        np.multiply(gate, 0.5, out=gate)
        np.multiply(x, gate, out=y)

    @kernel
    def gelu_tanh_backward(self, x: Array, dy: Array, dx: Array) -> None:
        """dx = dy * ((1 + t) / 2 + x / 2 * (1 - t^2) * sqrt(2 / pi) * (1 + 0.134145 * x^2)), with the same t."""
        gate, inner, rest = self.like("a", x), self.like("b", x), self.like("c", x)
        self._cubic_tanh(x, gate)
        np.clip(x, -30, 30, out=rest)  # further out 1 - t^2 is 0, and the cube must not overflow
        np.multiply(rest, rest, out=inner)
        np.multiply(inner, 1.5 * ROOT * CUBIC, out=inner)
        np.add(inner, 0.5 * ROOT, out=inner)
        np.multiply(inner, rest, out=inner)  # x / 2 times the derivative of what tanh is taken of
        np.multiply(gate, gate, out=rest)
        np.subtract(1, rest, out=rest)
        np.multiply(rest, inner, out=rest)
        np.add(gate, 1, out=gate)
        np.multiply(gate, 0.5, out=gate)
        np.add(gate, rest, out=gate)
        np.multiply(dy, gate, out=dx)

    def _cubic_tanh(self, x: Array, out: Array) -> None:
        """out = t, as gelu_tanh_forward has it; *out* is not x."""
        np.multiply(x, x, out=out)
        np.multiply(out, ROOT * CUBIC, out=out)
        np.add(out, ROOT, out=out)
        np.multiply(out, x, out=out)
        np.tanh(out, out=out)
