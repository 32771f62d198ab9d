"""Matrix products in compiled code."""

from __future__ import annotations

from ..engine import Array
from ..reference import ReferenceEngine
from . import _kernels


class Linear(ReferenceEngine):
    """Float32 in the compiled kernels; anything else in the reference's."""

    def gemm(
        self, a: Array, b: Array, c: Array, transpose_a: bool, transpose_b: bool, alpha: float, beta: float
    ) -> None:
        try:
            _kernels.gemm(a, b, c, transpose_a, transpose_b, alpha, beta)
        except TypeError:
            super().gemm(a, b, c, transpose_a, transpose_b, alpha, beta)
