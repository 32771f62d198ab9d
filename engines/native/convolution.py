"""Matrix products, convolution and pooling over two spatial axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engine import Array
from ..geometry import ConvGeometry
from ..reference import ReferenceEngine
from . import _kernels
from .compiled import compiled, window


class Convolution(ReferenceEngine):
    """Convolutions with other than two spatial axes, or with more than 64 taps along one, go to the reference."""

    gemm = compiled("gemm")
    inner_product_forward = compiled("inner_product_forward")
    inner_product_backward_data = compiled("inner_product_backward_data")
    inner_product_backward_weights = compiled("inner_product_backward_weights")
    conv_forward = compiled("conv_forward")
    conv_fused = compiled("conv_fused")
    conv_separable = compiled("conv_separable")
    conv_backward_data = compiled("conv_backward_data")
    conv_backward_weights = compiled("conv_backward_weights")
    im2col = compiled("im2col")
    col2im = compiled("col2im")
    max_pool_forward = compiled("max_pool_forward")
    max_pool_backward = compiled("max_pool_backward")
    ave_pool_forward = compiled("ave_pool_forward")
    ave_pool_backward = compiled("ave_pool_backward")
    stochastic_pool_forward = compiled("stochastic_pool_forward")
    stochastic_pool_test_forward = compiled("stochastic_pool_test_forward")

    def pack_convolution(self, x_shape: Sequence[int], w: Array, geometry: ConvGeometry) -> object:
        y_shape = (x_shape[0], len(w), *geometry.output_size(tuple(x_shape[2:])))
        try:
            return _kernels.conv_pack(np.array(x_shape, np.int_), np.array(y_shape, np.int_), w, window(geometry))
        except TypeError:
            return None
