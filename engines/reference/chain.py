"""Kernels of several layers in one, for layers that follow each other in place: nothing between them is stored."""

from __future__ import annotations

import numpy as np

from ..engine import Array, kernel
from .activations import Activations
from .normalization import Normalization
from .scale import Scale


class Chain(Normalization, Scale, Activations):
    """Here they are what they stand for, one after the other."""

    @kernel
    def batch_norm_scale_forward(
        self,
        x: Array,
        eps: float,
        scale: Array,
        bias: Array | None,
        slope: float | None,
        mean: Array,
        var: Array,
        y: Array,
        xhat: Array,
    ) -> None:
        """batch_norm_statistics, batch_norm_forward, scale_forward, and relu_forward unless *slope* is None, in one.

        mean and var are those of x; xhat = (x - mean[c]) / sqrt(var[c] + eps); y = r(xhat * scale[c] + bias[c]): the
        same numbers as from these kernels one after the other. x, y, xhat: [N, C, S]; y may be x.
        """
        self.batch_norm_statistics(x, mean, var)
        self.batch_norm_forward(x, mean, var, eps, xhat, None)
        self.scale_forward(xhat, scale, bias, y)
        if slope is not None:
            self.relu_forward(y, y, slope)

    @kernel
    def batch_norm_scale_backward(
        self,
        xhat: Array,
        y: Array,
        var: Array,
        eps: float,
        scale: Array,
        slope: float | None,
        dy: Array,
        dx: Array,
        dscale: Array,
        dbias: Array | None,
    ) -> None:
        """relu_backward unless *slope* is None, bias_backward, scale_backward_scale, scale_backward_data and
        batch_norm_backward in one, after batch_norm_scale_forward, which left xhat, y and var.

        dx is overwritten; dscale and dbias accumulate. dbias None: not wanted. xhat, y, dy, dx: [N, C, S]; dx may be
        dy.
        """
        gradient = self.like("chain", dy)
        np.copyto(gradient, dy)
        if slope is not None:
            self.relu_backward(y, gradient, gradient, slope)
        if dbias is not None:
            self.bias_backward(gradient, dbias)
        self.scale_backward_scale(xhat, gradient, dscale)
        self.scale_backward_data(gradient, scale, gradient)
        self.batch_norm_backward(xhat, var, eps, gradient, dx)
