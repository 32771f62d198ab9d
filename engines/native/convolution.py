"""Convolution over two spatial axes in compiled code."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..engine import Array
from ..geometry import ConvGeometry
from ..reference import ReferenceEngine
from . import _kernels


class Convolution(ReferenceEngine):
    """Other than two spatial axes, or a kernel of more than 64 taps along one of them, go to the reference."""

    def conv_forward(self, x: Array, w: Array, bias: Array | None, y: Array, geometry: ConvGeometry) -> None:
        try:
            _kernels.conv_forward(x, w, bias, y, window(geometry))
        except TypeError:
            super().conv_forward(x, w, bias, y, geometry)

    def conv_backward_data(self, dy: Array, w: Array, dx: Array, geometry: ConvGeometry) -> None:
        try:
            _kernels.conv_backward_data(dy, w, dx, window(geometry))
        except TypeError:
            super().conv_backward_data(dy, w, dx, geometry)

    def conv_backward_weights(
        self, x: Array, dy: Array, dw: Array | None, db: Array | None, geometry: ConvGeometry
    ) -> None:
        try:
            _kernels.conv_backward_weights(x, dy, dw, db, window(geometry))
        except TypeError:
            super().conv_backward_weights(x, dy, dw, db, geometry)


@lru_cache(maxsize=1024)
def window(geometry: ConvGeometry) -> Array | None:
    """The geometry as the compiled code takes it; None, which it refuses, if it does not cover it."""
    if len(geometry.kernel) != 2 or max(geometry.kernel) > _kernels.MAX_TAPS:
        return None
    numbers = (*geometry.kernel, *geometry.stride, *geometry.pad, *geometry.dilation, geometry.groups)
    return np.array(numbers, np.int64)
