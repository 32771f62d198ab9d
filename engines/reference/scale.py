"""Scale and bias along one axis."""

from __future__ import annotations

import numpy as np

from ..engine import Array, kernel
from .base import ReferenceBase


class Scale(ReferenceBase):
    """x, y and their gradients are [outer, C, inner]; s, b and theirs are [C]."""

    @kernel
    def scale_forward(self, x: Array, s: Array, b: Array | None, y: Array) -> None:
        """y = x * s[c] + b[c], or without b if it is None. y may be x."""
        np.multiply(x, s[:, None], out=y)
        if b is not None:
            np.add(y, b[:, None], out=y)

    @kernel
    def scale_backward_data(self, dy: Array, s: Array, dx: Array) -> None:
        """dx = dy * s[c]. dx may be dy."""
        np.multiply(dy, s[:, None], out=dx)

    @kernel
    def scale_backward_scale(self, x: Array, dy: Array, ds: Array) -> None:
        """ds[c] += sum over outer and inner of x * dy. Accumulates. x is the input, not the output."""
        product = self.like("a", x)
        np.multiply(x, dy, out=product)
        np.add(ds, product.sum(axis=(0, 2)), out=ds)

    @kernel
    def bias_forward(self, x: Array, b: Array, y: Array) -> None:
        """y = x + b[c]. y may be x."""
        np.add(x, b[:, None], out=y)

    @kernel
    def bias_backward(self, dy: Array, db: Array) -> None:
        """db[c] += sum over outer and inner of dy. Accumulates."""
        np.add(db, dy.sum(axis=(0, 2)), out=db)
