"""Pooling in any number of spatial axes, one tap of the window at a time over all images."""

from __future__ import annotations

from math import prod

import numpy as np

from ..engine import Array, kernel
from ..geometry import PoolGeometry
from .base import ReferenceBase, reshaped
from .windows import first_pixels, pool_taps, strides_of, window_areas, window_origins


class Pooling(ReferenceBase):
    """x: [N, C, *S]; y: [N, C, *out] with out = geometry.output_size(S). Padding holds no pixels. Never in place.

    A window beyond the image (only with a stride above the kernel and no padding) is empty: see each kernel.
    """

    @kernel
    def max_pool_forward(self, x: Array, y: Array, mask: Array | None, geometry: PoolGeometry) -> None:
        """y = maximum of each window; mask (int32, shaped as y) = flat index in S of its first maximum.

        First in row-major order. A NaN beats every number, and a later NaN an earlier one, so the mask is always in
        its window. Empty windows give the lowest finite number and mask -1. mask None: nobody asks, and it is left out.
        """
        spatial, out = x.shape[2:], y.shape[2:]
        origins, first = window_origins(spatial, out, geometry), first_pixels(spatial, out, geometry)
        y.fill(-np.inf)
        np.copyto(y, np.finfo(y.dtype).min, where=first < 0)
        if mask is not None:
            np.copyto(mask, first)
        for tap in pool_taps(spatial, out, geometry):
            pixels, best = x[tap.pixels], y[tap.outputs]
            if mask is not None:
                index = origins[tap.outputs] + np.int32(np.dot(tap.offset, strides_of(spatial)))
                self._note(mask[tap.outputs], index, self._better(pixels, best))
            np.maximum(best, pixels, out=best)

    @kernel
    def max_pool_backward(self, dy: Array, mask: Array, dx: Array, geometry: PoolGeometry) -> None:
        """dx = sum of dy over the windows whose mask is the pixel, else 0. Overwrites dx; mask -1 is skipped."""
        dx.fill(0)
        planes = reshaped(dx, dx.size)
        index = self.scratch("index", mask.shape, np.intp)
        first = np.arange(dx.shape[0] * dx.shape[1], dtype=np.intp) * prod(dx.shape[2:])
        np.add(mask, first.reshape(*dx.shape[:2], *(1,) * (dx.ndim - 2)), out=index)
        flat, gradient = index.reshape(-1), dy.reshape(-1)
        if (first_pixels(dx.shape[2:], dy.shape[2:], geometry) < 0).any():
            kept = mask.reshape(-1) >= 0
            flat, gradient = flat[kept], gradient[kept]
        np.add.at(planes, flat, gradient)

    @kernel
    def ave_pool_forward(self, x: Array, y: Array, geometry: PoolGeometry) -> None:
        """y = sum of each window / its area, the area being that of the window cut at size + pad.

        So padding counts in the divisor, and what hangs over beyond it does not. Empty windows give 0.
        """
        spatial, out = x.shape[2:], y.shape[2:]
        y.fill(0)
        for tap in pool_taps(spatial, out, geometry):
            total = y[tap.outputs]
            np.add(total, x[tap.pixels], out=total)
        np.divide(y, window_areas(spatial, out, geometry, y.dtype), out=y)

    @kernel
    def ave_pool_backward(self, dy: Array, dx: Array, geometry: PoolGeometry) -> None:
        """dx = sum of dy / area over the windows that hold the pixel; area as in ave_pool_forward. Overwrites dx."""
        spatial, out = dx.shape[2:], dy.shape[2:]
        share = self.like("a", dy)
        np.divide(dy, window_areas(spatial, out, geometry, dy.dtype), out=share)
        dx.fill(0)
        for tap in pool_taps(spatial, out, geometry):
            pixels = dx[tap.pixels]
            np.add(pixels, share[tap.outputs], out=pixels)

    @kernel
    def stochastic_pool_forward(self, x: Array, y: Array, mask: Array, uniform: Array, geometry: PoolGeometry) -> None:
        """y = one pixel of each window, drawn in proportion to its value; mask (int32) = its flat index.

        Made for x >= 0; values below 0 count as 0. The pixel is the first, in row-major order, that is above 0 and at
        which the running sum reaches uniform * total; uniform, shaped as y, holds numbers in [0, 1). A window without
        values above 0 gives its first pixel; a NaN anywhere in the window gives NaN; an empty window 0 and mask -1.
        Its backward is max_pool_backward.
        """
        spatial, out = x.shape[2:], y.shape[2:]
        total, running = self.like("total", y), self.like("running", y)
        self._sum_positive(x, total, geometry)
        first = first_pixels(spatial, out, geometry)
        np.copyto(mask, first)
        np.multiply(total, uniform, out=y)
        self._draw(x, y, running, mask, geometry)
        flat, index = x.reshape(*x.shape[:2], prod(spatial)), mask.reshape(*mask.shape[:2], prod(out))
        if flat.size:
            np.copyto(y, np.take_along_axis(flat, np.maximum(index, 0), axis=2).reshape(y.shape))
        np.copyto(y, 0, where=first < 0)
        np.copyto(y, total, where=np.isnan(total))

    @kernel
    def stochastic_pool_test_forward(self, x: Array, y: Array, geometry: PoolGeometry) -> None:
        """y = sum of x^2 / sum of x over each window; 0 where the sum of x is 0, and for empty windows."""
        square, total = self.like("a", x), self.like("total", y)
        np.multiply(x, x, out=square)
        y.fill(0)
        total.fill(0)
        for tap in pool_taps(x.shape[2:], y.shape[2:], geometry):
            for source, sums in ((square, y), (x, total)):
                part = sums[tap.outputs]
                np.add(part, source[tap.pixels], out=part)
        np.copyto(y, 0, where=total == 0)
        np.copyto(total, 1, where=total == 0)
        np.divide(y, total, out=y)

    def _better(self, pixels: Array, best: Array) -> Array:
        """Where a pixel takes the place of the best so far: it is larger, or NaN."""
        better, nan = self.scratch("a", best.shape, np.bool_), self.scratch("b", best.shape, np.bool_)
        np.greater(pixels, best, out=better)
        np.not_equal(pixels, pixels, out=nan)
        return np.logical_or(better, nan, out=better)

    def _note(self, chosen: Array, index: Array, better: Array) -> None:
        """chosen = index where it is better; by arithmetic, as masked copies are far slower."""
        step = self.like("c", chosen)
        np.subtract(index, chosen, out=step)
        np.multiply(step, better, out=step)
        np.add(chosen, step, out=chosen)

    def _sum_positive(self, x: Array, total: Array, geometry: PoolGeometry) -> None:
        total.fill(0)
        for tap in pool_taps(x.shape[2:], total.shape[2:], geometry):
            part = total[tap.outputs]
            np.add(part, np.maximum(x[tap.pixels], 0), out=part)

    def _draw(self, x: Array, threshold: Array, running: Array, mask: Array, geometry: PoolGeometry) -> None:
        """Write into mask the index of the pixel at which the running sum reaches the threshold."""
        spatial, out = x.shape[2:], mask.shape[2:]
        origins, steps = window_origins(spatial, out, geometry), strides_of(spatial)
        waiting = np.ones(mask.shape, np.bool_)
        running.fill(0)
        for tap in pool_taps(spatial, out, geometry):
            pixels, part, still = (x[tap.pixels], running[tap.outputs], waiting[tap.outputs])
            np.add(part, np.maximum(pixels, 0), out=part)
            found = still & (pixels > 0) & (part >= threshold[tap.outputs])
            np.copyto(mask[tap.outputs], origins[tap.outputs] + np.int32(np.dot(tap.offset, steps)), where=found)
            np.logical_and(still, ~found, out=still)
