"""Arithmetic on whole arrays: sums, products, maxima, copies, norms and dropout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engine import Array, kernel
from .base import ReferenceBase


class Elementwise(ReferenceBase):
    """All arrays of one kernel have one shape, which may be any."""

    @kernel
    def axpy(self, alpha: float, x: Array, y: Array) -> None:
        """y += alpha * x. Accumulates; y may be x."""
        if alpha == 1:
            np.add(y, x, out=y)
            return
        term = self.like("a", x)
        np.multiply(x, alpha, out=term)
        np.add(y, term, out=y)

    @kernel
    def scale_by(self, alpha: float, x: Array, y: Array) -> None:
        """y = alpha * x. y may be x."""
        np.multiply(x, alpha, out=y)

    @kernel
    def multiply(self, a: Array, b: Array, y: Array) -> None:
        """y = a * b. y may be a or b."""
        np.multiply(a, b, out=y)

    @kernel
    def eltwise_sum(self, inputs: Sequence[Array], coeffs: Sequence[float], y: Array) -> None:
        """y = sum of coeffs[i] * inputs[i], from the first to the last (at least one). y may be inputs[0]."""
        np.multiply(inputs[0], coeffs[0], out=y)
        for x, coeff in zip(inputs[1:], coeffs[1:], strict=True):
            self.axpy(coeff, x, y)

    @kernel
    def eltwise_product(self, inputs: Sequence[Array], y: Array) -> None:
        """y = product of all inputs, from the first to the last (at least one). y may be inputs[0]."""
        np.copyto(y, inputs[0])
        for x in inputs[1:]:
            np.multiply(y, x, out=y)

    @kernel
    def eltwise_max(self, inputs: Sequence[Array], y: Array, mask: Array) -> None:
        """y = maximum of all inputs (at least one); mask (int32) = the index of the input it came from.

        On a tie of the first two the second wins; later ones must be strictly greater (Caffe's rule). A NaN beats every
        number, and a later NaN an earlier one. y may be inputs[0].
        """
        better, nan = self.scratch("a", y.shape, np.bool_), self.scratch("b", y.shape, np.bool_)
        step = self.like("c", mask)
        np.copyto(y, inputs[0])
        mask.fill(0)
        for index, x in enumerate(inputs[1:], start=1):
            compare = np.greater_equal if index == 1 else np.greater
            compare(x, y, out=better)
            np.not_equal(x, x, out=nan)
            np.logical_or(better, nan, out=better)
            # mask = index where better; arithmetic, as masked copies are far slower
            np.subtract(index, mask, out=step)
            np.multiply(step, better, out=step)
            np.add(mask, step, out=mask)
            np.maximum(y, x, out=y)

    @kernel
    def eltwise_max_backward(self, dy: Array, mask: Array, index: int, dx: Array) -> None:
        """dx = dy * (1 if mask == index else 0). dx may be dy."""
        chosen = self.like("a", dy)
        np.equal(mask, index, out=chosen)
        np.multiply(dy, chosen, out=dx)

    @kernel
    def copy(self, src: Array, dst: Array) -> None:
        """dst = src. Both may be strided views, as Concat and Slice need them, of one shape; they must not overlap."""
        np.copyto(dst, src)

    @kernel
    def dot(self, a: Array, b: Array) -> float:
        """The sum of a * b, accumulated in float64. An empty sum is 0."""
        if a.dtype == np.float64:
            return float(np.dot(a.reshape(-1), b.reshape(-1)))
        return float(np.einsum("i,i->", a.reshape(-1), b.reshape(-1), dtype=np.float64, casting="same_kind"))

    @kernel
    def asum(self, a: Array) -> float:
        """The sum of |a|, accumulated in float64."""
        size = self.like("a", a)
        np.abs(a, out=size)
        return float(size.sum(dtype=np.float64))

    @kernel
    def sumsq(self, a: Array) -> float:
        """The sum of a^2, accumulated in float64."""
        return self.dot(a, a)

    @kernel
    def dropout_forward(self, x: Array, mask: Array, y: Array, scale: float) -> None:
        """y = x * mask * scale. mask holds 0 and 1, as uint8 or in the dtype of x. y may be x."""
        np.multiply(x, mask, out=y)
        np.multiply(y, scale, out=y)

    @kernel
    def dropout_backward(self, dy: Array, mask: Array, dx: Array, scale: float) -> None:
        """dx = dy * mask * scale. dx may be dy."""
        self.dropout_forward(dy, mask, dx, scale)
