"""Activations, arithmetic on whole arrays, and dropout."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine import Array
from ..reference import ReferenceEngine
from . import _kernels
from .compiled import compiled


class Elementwise(ReferenceEngine):
    """What goes over arrays element by element."""

    relu_forward = compiled("relu_forward")
    relu_backward = compiled("relu_backward")
    sigmoid_forward = compiled("sigmoid_forward")
    sigmoid_backward = compiled("sigmoid_backward")
    tanh_forward = compiled("tanh_forward")
    tanh_backward = compiled("tanh_backward")
    elu_forward = compiled("elu_forward")
    elu_backward = compiled("elu_backward")
    bnll_forward = compiled("bnll_forward")
    bnll_backward = compiled("bnll_backward")
    swish_forward = compiled("swish_forward")
    swish_backward = compiled("swish_backward")
    clip_forward = compiled("clip_forward")
    clip_backward = compiled("clip_backward")
    hard_sigmoid_forward = compiled("hard_sigmoid_forward")
    hard_sigmoid_backward = compiled("hard_sigmoid_backward")
    hard_swish_forward = compiled("hard_swish_forward")
    hard_swish_backward = compiled("hard_swish_backward")
    mish_forward = compiled("mish_forward")
    mish_backward = compiled("mish_backward")
    gelu_forward = compiled("gelu_forward")
    gelu_backward = compiled("gelu_backward")
    gelu_tanh_forward = compiled("gelu_tanh_forward")
    gelu_tanh_backward = compiled("gelu_tanh_backward")
    power_forward = compiled("power_forward")
    power_backward = compiled("power_backward")
    axpy = compiled("axpy")
    scale_by = compiled("scale_by")
    multiply = compiled("multiply")
    eltwise_max_backward = compiled("eltwise_max_backward")
    copy = compiled("copy")
    dot = compiled("dot")
    sumsq = compiled("sumsq")
    asum = compiled("asum")
    dropout_forward = compiled("dropout_forward")

    def dropout_backward(self, dy: Array, mask: Array, dx: Array, scale: float) -> None:
        self.dropout_forward(dy, mask, dx, scale)

    def eltwise_sum(self, inputs: Sequence[Array], coeffs: Sequence[float], y: Array) -> None:
        if len(inputs) < 2:
            self.scale_by(coeffs[0], inputs[0], y)
            return
        try:
            _kernels.weighted_sum(coeffs[0], inputs[0], coeffs[1], inputs[1], y)
        except TypeError:
            super().eltwise_sum(inputs, coeffs, y)
            return
        for x, coeff in zip(inputs[2:], coeffs[2:], strict=True):
            self.axpy(coeff, x, y)

    def eltwise_product(self, inputs: Sequence[Array], y: Array) -> None:
        if len(inputs) < 2:
            self.copy(inputs[0], y)
            return
        self.multiply(inputs[0], inputs[1], y)
        for x in inputs[2:]:
            self.multiply(y, x, y)

    def eltwise_max(self, inputs: Sequence[Array], y: Array, mask: Array) -> None:
        if inputs[0] is not y:
            self.copy(inputs[0], y)
        mask.fill(0)
        try:
            for index, x in enumerate(inputs[1:], start=1):
                _kernels.eltwise_max_step(x, y, mask, index)
        except TypeError:
            super().eltwise_max(inputs, y, mask)
