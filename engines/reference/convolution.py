"""Convolution in any number of spatial axes, as a matrix product with columns of pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from ..engine import Array, kernel
from ..geometry import ConvGeometry
from .base import ReferenceBase, reshaped
from .windows import conv_taps

# How many bytes of columns are made at a time, in whole images: enough for BLAS, and still in the caches.
COLUMN_BYTES = 8 << 20


class Convolution(ReferenceBase):
    """x: [N, C, *S], w: [O, C / groups, *kernel], y: [N, O, *out] with out = geometry.output_size(S).

    Channel group g of y is made from channel group g of x alone. A deconvolution is the gradient of the convolution
    that would undo its shape: its forward is conv_backward_data (dy = its input), its backward conv_forward.
    """

    @kernel
    def conv_forward(self, x: Array, w: Array, bias: Array | None, y: Array, geometry: ConvGeometry) -> None:
        """y[n, o, p] = bias[o] + sum over c, t of w[o, c, t] * x[n, c, p * stride - pad + t * dilation].

        Pixels outside the image count as 0. bias: [O] or None.
        """
        weights, product = _by_group(w, geometry), self._grouped(y, geometry)
        for images in self._chunks(x, y, geometry):
            np.matmul(weights, self._columns(x[images], y.shape[2:], geometry), out=product[images])
        if bias is not None:
            flat = reshaped(y, *y.shape[:2], prod(y.shape[2:]))
            np.add(flat, bias[:, None], out=flat)

    @kernel
    def conv_fused(
        self,
        x: Array,
        w: Array,
        bias: Array | None,
        y: Array,
        add: bool,
        slope: float | None,
        packed: object,
        geometry: ConvGeometry,
    ) -> None:
        """y = r(conv_forward(x, w, bias) + y), without the last term unless *add*: for inference in one step.

        r(v) is v where positive, else slope * v; v itself if *slope* is None. The images of y, which no other array's
        may, can lie further apart than they are long: a range of channels of a wider array. *packed* is what
        ``pack_convolution`` made of just this w, for x of this shape, or None.
        """
        made = self.scratch("fused", y.shape, y.dtype)
        self.conv_forward(x, w, bias, made, geometry)
        if add:
            np.add(made, y, out=made)
        if slope:
            np.multiply(made, slope, out=made, where=made <= 0)
        elif slope is not None:
            np.copyto(made, 0, where=made <= 0)
        np.copyto(y, made)

    @kernel
    def conv_separable(
        self,
        x: Array,
        depthwise_w: Array,
        depthwise_bias: Array | None,
        depthwise_slope: float | None,
        w: Array,
        bias: Array | None,
        y: Array,
        add: bool,
        slope: float | None,
        packed: object,
        geometry: ConvGeometry,
    ) -> None:
        """Two conv_fused in one: a depthwise convolution, one output per channel, then a pointwise one into y.

        The first has *depthwise_w*, *depthwise_bias*, *depthwise_slope* and *geometry*, adds nothing; the second has
        the others, and windows of one pixel. *packed* is made for x of the shape that lies between the two.
        """
        out = geometry.output_size(x.shape[2:])
        between = self.scratch("between", (*x.shape[:2], *out), x.dtype)
        self.conv_fused(x, depthwise_w, depthwise_bias, between, False, depthwise_slope, None, geometry)
        self.conv_fused(between, w, bias, y, add, slope, packed, ConvGeometry((1,) * len(out)))

    def pack_convolution(self, x_shape: Sequence[int], w: Array, geometry: ConvGeometry) -> object:
        """Weights in the order in which ``conv_fused`` reads them, to be made once and used often. None: as w is."""
        return None

    @kernel
    def conv_backward_data(self, dy: Array, w: Array, dx: Array, geometry: ConvGeometry) -> None:
        """dx[n, c, q] = sum over o, t, p with p * stride - pad + t * dilation = q of w[o, c, t] * dy[n, o, p]."""
        weights, gradient = _by_group(w, geometry).swapaxes(1, 2), self._grouped(dy, geometry)
        for images in self._chunks(dx, dy, geometry):
            if geometry.pointwise:
                np.matmul(weights, gradient[images], out=self._grouped(dx[images], geometry))
                continue
            col = self._column_space(dx[images], dy.shape[2:], geometry)
            np.matmul(weights, gradient[images], out=col)
            columns = dx.shape[1] * geometry.taps
            self.col2im(col.reshape(len(col), columns, *dy.shape[2:]), dx[images], geometry)

    @kernel
    def conv_backward_weights(
        self, x: Array, dy: Array, dw: Array | None, db: Array | None, geometry: ConvGeometry
    ) -> None:
        """dw[o, c, t] += sum over n, p of dy[n, o, p] * x[n, c, p * stride - pad + t * dilation].

        db[o] += sum over n, p of dy[n, o, p]. Both accumulate; None: not wanted. db: [O].
        """
        if db is not None:
            np.add(db, dy.sum(axis=(0, *range(2, dy.ndim))), out=db)
        if dw is None:
            return
        total = _by_group(dw, geometry)
        for images in self._chunks(x, dy, geometry):
            self._add_weights(x[images], self._grouped(dy[images], geometry), total, dy.shape[2:], geometry)

    @kernel
    def im2col(self, x: Array, col: Array, geometry: ConvGeometry) -> None:
        """col[n, (c, t), p] = x[n, c, p * stride - pad + t * dilation], 0 outside the image. groups is ignored.

        x: [N, C, *S]; col: [N, C * prod(kernel), *out], the taps t of one channel in row-major order.
        """
        _fill_columns(x, reshaped(col, *x.shape[:2], geometry.taps, *col.shape[2:]), geometry)

    @kernel
    def col2im(self, col: Array, x: Array, geometry: ConvGeometry) -> None:
        """x[n, c, q] = sum over t, p with p * stride - pad + t * dilation = q of col[n, (c, t), p]. Overwrites x."""
        taps = col.reshape(*x.shape[:2], geometry.taps, *col.shape[2:])
        x.fill(0)
        for tap in conv_taps(x.shape[2:], col.shape[2:], geometry):
            pixels = x[tap.pixels]
            np.add(pixels, taps[:, :, tap.number][tap.outputs], out=pixels)

    def _add_weights(self, x: Array, dy: Array, total: Array, out: tuple[int, ...], geometry: ConvGeometry) -> None:
        """total += the weights' gradient over some images: one product per group, the images' pixels in one row."""
        images, groups, outputs, pixels = dy.shape
        gradient = self.scratch("gradient", (groups, outputs, images, pixels), dy.dtype)
        np.copyto(gradient, dy.transpose(1, 2, 0, 3))
        col = self.scratch("columns", (x.shape[1], geometry.taps, images, *out), x.dtype)
        _fill_columns(x, np.moveaxis(col, 2, 0), geometry)
        product = self.like("weights", total)
        col = col.reshape(groups, total.shape[2], images * pixels).swapaxes(1, 2)
        np.matmul(gradient.reshape(groups, outputs, images * pixels), col, out=product)
        np.add(total, product, out=total)

    def _columns(self, x: Array, out: tuple[int, ...], geometry: ConvGeometry) -> Array:
        """The columns of x as [N, groups, C / groups * taps, pixels]: a view if they are the image itself."""
        if geometry.pointwise:
            return self._grouped(x, geometry)
        col = self._column_space(x, out, geometry)
        _fill_columns(x, col.reshape(*x.shape[:2], geometry.taps, *out), geometry)
        return col

    def _column_space(self, x: Array, out: tuple[int, ...], geometry: ConvGeometry) -> Array:
        rows = x.shape[1] // geometry.groups * geometry.taps
        return self.scratch("columns", (len(x), geometry.groups, rows, prod(out)), x.dtype)

    def _grouped(self, x: Array, geometry: ConvGeometry) -> Array:
        groups = geometry.groups
        return reshaped(x, len(x), groups, x.shape[1] // groups, prod(x.shape[2:]))

    def _chunks(self, x: Array, y: Array, geometry: ConvGeometry) -> Iterator[slice]:
        image = x.shape[1] * geometry.taps * prod(y.shape[2:]) * x.itemsize
        step = max(1, COLUMN_BYTES // max(image, 1))
        return (slice(at, at + step) for at in range(0, len(x), step))


def _by_group(w: Array, geometry: ConvGeometry) -> Array:
    return reshaped(w, geometry.groups, w.shape[0] // geometry.groups, prod(w.shape[1:]))


def _fill_columns(x: Array, col: Array, geometry: ConvGeometry) -> None:
    """col[n, c, t, *out] = the pixels that tap t meets; col may be a view in any order."""
    taps = conv_taps(x.shape[2:], col.shape[3:], geometry)
    if any(geometry.pad):
        col.fill(0)
    for tap in taps:
        col[:, :, tap.number][tap.outputs] = x[tap.pixels]
