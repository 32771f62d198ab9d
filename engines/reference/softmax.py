"""Softmax along one axis."""

from __future__ import annotations

import numpy as np

from ..engine import Array, kernel
from .base import ReferenceBase


class Softmax(ReferenceBase):
    """Arrays are [outer, C, inner], and the probabilities of one position lie along C."""

    @kernel
    def softmax_forward(self, x: Array, y: Array) -> None:
        """y[c] = exp(x[c] - m) / sum over c of exp(x[c] - m), where m = max over c of x[c]. y may be x."""
        level = self.scratch("a", (x.shape[0], 1, x.shape[2]), x.dtype)
        np.max(x, axis=1, keepdims=True, out=level)
        np.subtract(x, level, out=y)
        np.exp(y, out=y)
        np.sum(y, axis=1, keepdims=True, out=level)
        np.divide(y, level, out=y)

    @kernel
    def softmax_backward(self, y: Array, dy: Array, dx: Array) -> None:
        """dx[c] = y[c] * (dy[c] - sum over c of y[c] * dy[c]). dx may be dy."""
        product = self.like("a", y)
        level = self.scratch("b", (y.shape[0], 1, y.shape[2]), y.dtype)
        np.multiply(y, dy, out=product)
        np.sum(product, axis=1, keepdims=True, out=level)
        np.subtract(dy, level, out=dx)
        np.multiply(dx, y, out=dx)
