"""Normalization: over neighbours (LRN), over a batch (BatchNorm), over one image (MVN)."""

from __future__ import annotations

import numpy as np

from ..engine import Array, kernel
from .base import ReferenceBase


class Normalization(ReferenceBase):
    """Each kernel names its axes."""

    @kernel
    def lrn_across_forward(
        self, x: Array, y: Array, scale: Array, size: int, alpha: float, beta: float, k: float
    ) -> None:
        """scale = k + alpha / size * sum of x^2 over the size channels around c; y = x * scale^-beta.

        x, y, scale: [N, C, *S]; size is odd; channels beyond the ends count as 0. y must not be x.
        """
        self._square_sums(x, scale, (1,), size)
        np.multiply(scale, alpha / size, out=scale)
        np.add(scale, k, out=scale)
        np.power(scale, -beta, out=y)
        np.multiply(y, x, out=y)

    @kernel
    def lrn_across_backward(
        self, x: Array, y: Array, scale: Array, dy: Array, dx: Array, size: int, alpha: float, beta: float, k: float
    ) -> None:
        """dx = dy * scale^-beta - 2 alpha beta / size * x * sum of dy * y / scale over the size channels around c.

        y and scale are those of the forward. dx must not be dy.
        """
        self._lrn_gradient(x, y, scale, dy, dx, (1,), size, alpha / size, beta)

    @kernel
    def lrn_within_forward(self, x: Array, y: Array, scale: Array, size: int, alpha: float, beta: float) -> None:
        """scale = 1 + alpha / n * sum of x^2 over the window around the pixel; y = x * scale^-beta.

        x, y, scale: [N, C, *S]. The window has size (odd) pixels along each spatial axis, so n = size^axes; beyond the
        image all is 0. y must not be x.
        """
        axes = tuple(range(2, x.ndim))
        self._square_sums(x, scale, axes, size)
        np.multiply(scale, alpha / size ** len(axes), out=scale)
        np.add(scale, 1, out=scale)
        np.power(scale, -beta, out=y)
        np.multiply(y, x, out=y)

    @kernel
    def lrn_within_backward(
        self, x: Array, y: Array, scale: Array, dy: Array, dx: Array, size: int, alpha: float, beta: float
    ) -> None:
        """dx = dy * scale^-beta - 2 alpha beta / n * x * sum of dy * y / scale over the window around the pixel.

        y, scale and n are those of the forward. dx must not be dy.
        """
        axes = tuple(range(2, x.ndim))
        self._lrn_gradient(x, y, scale, dy, dx, axes, size, alpha / size ** len(axes), beta)

    @kernel
    def batch_norm_statistics(self, x: Array, mean: Array, var: Array) -> None:
        """mean[c] = average of x over N and S; var[c] = average of (x - mean[c])^2. x: [N, C, S]; mean, var: [C].

        Both are 0 for an empty batch.
        """
        count = max(1, x.shape[0] * x.shape[2])
        np.sum(x, axis=(0, 2), out=mean)
        np.divide(mean, count, out=mean)
        centred = self.like("a", x)
        np.subtract(x, mean[:, None], out=centred)
        np.multiply(centred, centred, out=centred)
        np.sum(centred, axis=(0, 2), out=var)
        np.divide(var, count, out=var)

    @kernel
    def batch_norm_forward(self, x: Array, mean: Array, var: Array, eps: float, y: Array, xhat: Array | None) -> None:
        """y = xhat = (x - mean[c]) / sqrt(var[c] + eps). x, y, xhat: [N, C, S]; y may be x. xhat None: not wanted."""
        np.subtract(x, mean[:, None], out=y)
        np.divide(y, np.sqrt(var + eps)[:, None], out=y)
        if xhat is not None:
            np.copyto(xhat, y)

    @kernel
    def batch_norm_backward(self, xhat: Array, var: Array, eps: float, dy: Array, dx: Array) -> None:
        """dx = (dy - avg(dy) - xhat * avg(dy * xhat)) / sqrt(var[c] + eps), with avg over N and S of each channel.

        For a forward with the statistics of its own batch. xhat, dy, dx: [N, C, S]. dx may be dy.
        """
        count = max(1, dy.shape[0] * dy.shape[2])
        term = self.like("a", dy)
        np.multiply(dy, xhat, out=term)
        slope = term.sum(axis=(0, 2)) / count
        average = dy.sum(axis=(0, 2)) / count
        np.multiply(xhat, slope[:, None], out=term)
        np.add(term, average[:, None], out=term)
        np.subtract(dy, term, out=dx)
        np.divide(dx, np.sqrt(var + eps)[:, None], out=dx)

    @kernel
    def batch_norm_backward_global(self, var: Array, eps: float, dy: Array, dx: Array) -> None:
        """dx = dy / sqrt(var[c] + eps), for a forward with fixed statistics. dy, dx: [N, C, S]. dx may be dy."""
        np.divide(dy, np.sqrt(var + eps)[:, None], out=dx)

    @kernel
    def mvn_forward(self, x: Array, y: Array, mean: Array, std: Array, eps: float, normalize_variance: bool) -> None:
        """mean = average of each row of x; std = sqrt(average of (x - mean)^2); y = (x - mean) / (std + eps).

        x, y: [groups, n]; mean, std: [groups]. Without normalize_variance y = x - mean, and std is not written.
        y may be x.
        """
        count = max(1, x.shape[1])
        np.sum(x, axis=1, out=mean)
        np.divide(mean, count, out=mean)
        np.subtract(x, mean[:, None], out=y)
        if not normalize_variance:
            return
        square = self.like("a", y)
        np.multiply(y, y, out=square)
        np.sum(square, axis=1, out=std)
        np.divide(std, count, out=std)
        np.sqrt(std, out=std)
        np.divide(y, (std + eps)[:, None], out=y)

    @kernel
    def mvn_backward(self, y: Array, std: Array, dy: Array, dx: Array, eps: float, normalize_variance: bool) -> None:
        """dx = (dy - avg(dy) - y * avg(dy * y)) / (std + eps), with avg over each row; y, std as left by the forward.

        Without normalize_variance dx = dy - avg(dy). This is Caffe's gradient, which takes eps as small beside std; the
        exact one has another factor (std + eps) / std before y. dx may be dy.
        """
        count = max(1, dy.shape[1])
        average = dy.sum(axis=1, keepdims=True) / count
        if not normalize_variance:
            np.subtract(dy, average, out=dx)
            return
        term = self.like("a", dy)
        np.multiply(dy, y, out=term)
        slope = term.sum(axis=1, keepdims=True) / count
        np.multiply(y, slope, out=term)
        np.add(term, average, out=term)
        np.subtract(dy, term, out=dx)
        np.divide(dx, (std + eps)[:, None], out=dx)

    def _square_sums(self, x: Array, out: Array, axes: tuple[int, ...], size: int) -> None:
        square = self.like("b", x)
        np.multiply(x, x, out=square)
        self._box_sums(square, out, axes, size)

    def _lrn_gradient(
        self,
        x: Array,
        y: Array,
        scale: Array,
        dy: Array,
        dx: Array,
        axes: tuple[int, ...],
        size: int,
        weight: float,
        beta: float,
    ) -> None:
        """dx = dy * scale^-beta - 2 weight beta * x * box sums of dy * y / scale."""
        ratio, sums = self.like("b", x), self.like("c", x)
        np.multiply(dy, y, out=ratio)
        np.divide(ratio, scale, out=ratio)
        self._box_sums(ratio, sums, axes, size)
        np.multiply(sums, x, out=sums)
        np.multiply(sums, 2 * weight * beta, out=sums)
        np.power(scale, -beta, out=dx)
        np.multiply(dx, dy, out=dx)
        np.subtract(dx, sums, out=dx)

    def _box_sums(self, x: Array, out: Array, axes: tuple[int, ...], size: int) -> None:
        """out = sums of x over boxes of *size* around each element, along one axis after the other. Overwrites x."""
        for axis in axes:
            if axis != axes[0]:
                np.copyto(x, out)
            np.copyto(out, x)
            source, sums = np.moveaxis(x, axis, 0), np.moveaxis(out, axis, 0)
            for shift in range(1, min(size // 2, len(source) - 1) + 1):
                np.add(sums[shift:], source[:-shift], out=sums[shift:])
                np.add(sums[:-shift], source[shift:], out=sums[:-shift])
