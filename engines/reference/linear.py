"""Matrix products."""

from __future__ import annotations

import numpy as np

from ..engine import Array, kernel
from .base import ReferenceBase


class Linear(ReferenceBase):
    """Matrices are row-major. No output may be an input."""

    @kernel
    def gemm(
        self, a: Array, b: Array, c: Array, transpose_a: bool, transpose_b: bool, alpha: float, beta: float
    ) -> None:
        """c = alpha * op(a) op(b) + beta * c, where op transposes if asked to. c: [M, N]; op(a): [M, K]; op(b): [K, N].

        With beta 0, c is only written: what was in it, NaN included, is lost.
        """
        left, right = a.T if transpose_a else a, b.T if transpose_b else b
        product = c if beta == 0 else self.like("gemm", c)
        np.matmul(left, right, out=product)
        if alpha != 1:
            np.multiply(product, alpha, out=product)
        if beta != 0:
            np.multiply(c, beta, out=c)
            np.add(c, product, out=c)

    @kernel
    def inner_product_forward(self, x: Array, w: Array, bias: Array | None, y: Array, transposed: bool) -> None:
        """y = x w^T + bias. x: [M, K]; w: [N, K], or [K, N] if transposed; bias: [N] or None; y: [M, N]."""
        np.matmul(x, w if transposed else w.T, out=y)
        if bias is not None:
            np.add(y, bias, out=y)

    @kernel
    def inner_product_backward_data(self, dy: Array, w: Array, dx: Array, transposed: bool) -> None:
        """dx = dy w. dy: [M, N]; w: [N, K], or [K, N] if transposed; dx: [M, K]."""
        np.matmul(dy, w.T if transposed else w, out=dx)

    @kernel
    def inner_product_backward_weights(
        self, x: Array, dy: Array, dw: Array | None, db: Array | None, transposed: bool
    ) -> None:
        """dw += dy^T x (x^T dy if transposed); db += the column sums of dy. Both accumulate; None: not wanted.

        x: [M, K]; dy: [M, N]; dw: [N, K], or [K, N] if transposed; db: [N].
        """
        if dw is not None:
            left, right = (x, dy) if transposed else (dy, x)
            self.gemm(left, right, dw, True, False, 1.0, 1.0)
        if db is not None:
            np.add(db, dy.sum(axis=0), out=db)
