"""Matrix products, convolution and pooling over two spatial axes."""

from __future__ import annotations

from ..reference import ReferenceEngine
from .compiled import compiled


class Convolution(ReferenceEngine):
    """Convolutions with other than two spatial axes, or with more than 64 taps along one, go to the reference."""

    gemm = compiled("gemm")
    inner_product_forward = compiled("inner_product_forward")
    inner_product_backward_data = compiled("inner_product_backward_data")
    inner_product_backward_weights = compiled("inner_product_backward_weights")
    conv_forward = compiled("conv_forward")
    conv_backward_data = compiled("conv_backward_data")
    conv_backward_weights = compiled("conv_backward_weights")
    max_pool_forward = compiled("max_pool_forward")
    max_pool_backward = compiled("max_pool_backward")
    ave_pool_forward = compiled("ave_pool_forward")
    ave_pool_backward = compiled("ave_pool_backward")
