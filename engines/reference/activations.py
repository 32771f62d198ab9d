"""Activations: one function applied to every element, and PReLU with its slope per channel."""

from __future__ import annotations

import numpy as np

from ..engine import Array, kernel
from .base import ReferenceBase


class Activations(ReferenceBase):
    """Arrays are of any one shape, unless the kernel names axes. In place: y may be x, and dx may be dy."""

    @kernel
    def relu_forward(self, x: Array, y: Array, negative_slope: float) -> None:
        """y = max(x, 0) + negative_slope * min(x, 0); the second term is left out if negative_slope is 0."""
        if negative_slope == 0:
            np.maximum(x, 0, out=y)
            return
        below = self.like("a", x)
        np.minimum(x, 0, out=below)
        np.multiply(below, negative_slope, out=below)
        np.maximum(x, 0, out=y)
        np.add(y, below, out=y)

    @kernel
    def relu_backward(self, x: Array, dy: Array, dx: Array, negative_slope: float) -> None:
        """dx = dy * (1 if x > 0 else negative_slope).

        x is the layer's input, or its output if that was computed in place: the signs agree if negative_slope >= 0.
        """
        np.multiply(dy, self._one_or(x, negative_slope), out=dx)

    @kernel
    def sigmoid_forward(self, x: Array, y: Array) -> None:
        """y = 1 / (1 + exp(-x)), without overflow and with full relative accuracy at both ends."""
        self._sigmoid(x, y)

    @kernel
    def sigmoid_backward(self, y: Array, dy: Array, dx: Array) -> None:
        """dx = dy * y * (1 - y)."""
        slope = self.like("a", y)
        np.subtract(1, y, out=slope)
        np.multiply(slope, y, out=slope)
        np.multiply(dy, slope, out=dx)

    @kernel
    def tanh_forward(self, x: Array, y: Array) -> None:
        """y = tanh(x)."""
        np.tanh(x, out=y)

    @kernel
    def tanh_backward(self, y: Array, dy: Array, dx: Array) -> None:
        """dx = dy * (1 - y^2)."""
        slope = self.like("a", y)
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)
        np.multiply(dy, slope, out=dx)

    @kernel
    def elu_forward(self, x: Array, y: Array, alpha: float) -> None:
        """y = max(x, 0) + alpha * (exp(min(x, 0)) - 1)."""
        below = self.like("a", x)
        np.minimum(x, 0, out=below)
        np.expm1(below, out=below)
        np.multiply(below, alpha, out=below)
        np.maximum(x, 0, out=y)
        np.add(y, below, out=y)

    @kernel
    def elu_backward(self, x: Array, y: Array, dy: Array, dx: Array, alpha: float) -> None:
        """dx = dy * (1 if x > 0 else y + alpha). x may be y: with alpha >= 0 the sign is the same."""
        slope, above = self.like("a", x), self.scratch("b", x.shape, np.bool_)
        np.greater(x, 0, out=above)
        np.add(y, alpha, out=slope)
        np.copyto(slope, 1, where=above)
        np.multiply(dy, slope, out=dx)

    @kernel
    def bnll_forward(self, x: Array, y: Array) -> None:
        """y = log(1 + exp(x)), computed as max(x, 0) + log(1 + exp(-|x|))."""
        tail = self.like("a", x)
        np.abs(x, out=tail)
        np.negative(tail, out=tail)
        np.exp(tail, out=tail)
        np.log1p(tail, out=tail)
        np.maximum(x, 0, out=y)
        np.add(y, tail, out=y)

    @kernel
    def bnll_backward(self, x: Array, dy: Array, dx: Array) -> None:
        """dx = dy * e / (e + 1) with e = exp(min(x, 50)), which is sigmoid(x) to the last bit that a double holds."""
        slope = self.like("c", x)
        self._sigmoid(x, slope)
        np.multiply(dy, slope, out=dx)

    @kernel
    def swish_forward(self, x: Array, y: Array, beta: float) -> None:
        """y = x * sigmoid(beta * x)."""
        gate = self.like("c", x)
        np.multiply(x, beta, out=gate)
        self._sigmoid(gate, gate)
        np.multiply(x, gate, out=y)

    @kernel
    def swish_backward(self, x: Array, y: Array, dy: Array, dx: Array, beta: float) -> None:
        """dx = dy * (beta * y + sigmoid(beta * x) * (1 - beta * y)). x must be the input: not the array y."""
        gate, rest = self.like("c", x), self.like("d", x)
        np.multiply(x, beta, out=gate)
        self._sigmoid(gate, gate)
        np.multiply(y, -beta, out=rest)
        np.add(rest, 1, out=rest)
        np.multiply(gate, rest, out=gate)
        np.subtract(1, rest, out=rest)
        np.add(gate, rest, out=gate)
        np.multiply(dy, gate, out=dx)

    @kernel
    def prelu_forward(self, x: Array, slope: Array, y: Array) -> None:
        """y = max(x, 0) + slope[c] * min(x, 0). x, y: [outer, C, inner]; slope: [C] (a shared slope: C = 1)."""
        below = self.like("a", x)
        np.minimum(x, 0, out=below)
        np.multiply(below, slope[:, None], out=below)
        np.maximum(x, 0, out=y)
        np.add(y, below, out=y)

    @kernel
    def prelu_backward_data(self, x: Array, slope: Array, dy: Array, dx: Array) -> None:
        """dx = dy * (1 if x > 0 else slope[c]). x, dy, dx: [outer, C, inner]; slope: [C]. x must be the input."""
        np.multiply(dy, self._one_or(x, slope[:, None]), out=dx)

    @kernel
    def prelu_backward_slope(self, x: Array, dy: Array, dslope: Array) -> None:
        """dslope[c] += sum over outer and inner of dy * min(x, 0). Accumulates. x, dy: [outer, C, inner]."""
        below = self.like("a", x)
        np.minimum(x, 0, out=below)
        np.multiply(below, dy, out=below)
        np.add(dslope, below.sum(axis=(0, 2)), out=dslope)

    @kernel
    def power_forward(self, x: Array, y: Array, power: float, scale: float, shift: float) -> None:
        """y = (shift + scale * x)^power."""
        np.multiply(x, scale, out=y)
        np.add(y, shift, out=y)
        _raise(y, power)

    @kernel
    def power_backward(self, x: Array, dy: Array, dx: Array, power: float, scale: float, shift: float) -> None:
        """dx = dy * power * scale * (shift + scale * x)^(power - 1); 0 if power * scale is 0. x must be the input."""
        if power * scale == 0:
            dx.fill(0)
            return
        slope = self.like("a", x)
        np.multiply(x, scale, out=slope)
        np.add(slope, shift, out=slope)
        _raise(slope, power - 1)
        np.multiply(slope, power * scale, out=slope)
        np.multiply(dy, slope, out=dx)

    def _one_or(self, x: Array, slope: float | Array) -> Array:
        """1 where x > 0, *slope* elsewhere, as [x > 0] + slope * (1 - [x > 0]): masked copies are far slower."""
        above, below = self.like("a", x), self.like("b", x)
        np.greater(x, 0, out=above)
        np.subtract(1, above, out=below)
        np.multiply(below, slope, out=below)
        return np.add(above, below, out=above)

    def _sigmoid(self, x: Array, out: Array) -> None:
        """out = exp(min(x, 0)) / (1 + exp(-|x|)), where nothing can overflow. out may be x; uses slots a and b."""
        above, below = self.like("a", x), self.like("b", x)
        np.abs(x, out=below)
        np.negative(below, out=below)
        np.exp(below, out=below)
        np.add(below, 1, out=below)
        np.minimum(x, 0, out=above)
        np.exp(above, out=above)
        np.divide(above, below, out=out)


def _raise(base: Array, power: float) -> None:
    """base = base^power in place; the common powers without the costly general one."""
    if power == 2:
        np.multiply(base, base, out=base)
    elif power == 0.5:
        np.sqrt(base, out=base)  # of -inf it is NaN, as of other negative numbers
    elif power != 1:
        np.power(base, power, out=base)
