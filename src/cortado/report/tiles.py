"""Tiles: many small planes side by side as one picture."""

from __future__ import annotations

import numpy as np

from ..layers import Array

GREY, WHITE = 128, 255
LEAST, MOST = 24, 112
"""Pixels that a tile is at least and at most wide."""
NEGATIVE, ZERO, POSITIVE = (np.array(c, np.float64) for c in ((54, 139, 214), (22, 24, 28), (240, 150, 48)))
"""Blue, almost black, orange: what signed numbers are drawn with."""


def tiles(parts: Array, columns: int = 0, gap: int = GREY, line: int = 1) -> Array:
    """num x H x W x colours (uint8) as one picture, *columns* in a row (by default about twice as many as rows), with
    a *line* of so many pixels between them, of the shade *gap*."""
    count, height, width, colours = parts.shape
    columns = columns or _columns(count)
    rows = -(-count // columns)
    down, right = height + line, width + line
    grid = np.full((rows * down - line, columns * right - line, colours), gap, np.uint8)
    for index, part in enumerate(parts):
        y, x = divmod(index, columns)
        grid[y * down : y * down + height, x * right : x * right + width] = part
    return grid


def _columns(count: int) -> int:
    """About as many as make a picture twice as wide as high, so that rows are full where that can be."""
    wanted = np.sqrt(count * 2)
    full = [n for n in range(1, count + 1) if count % n == 0 and np.sqrt(count) <= n <= np.sqrt(count * 3)]
    return min(full, key=lambda n: abs(n - wanted)) if full else min(count, max(1, int(np.ceil(wanted))))


def fit(planes: Array) -> Array:
    """num x H x W at a size that can be looked at: small ones with larger pixels, large ones averaged."""
    width = max(planes.shape[1:])
    if width > MOST:
        step = -(-width // MOST)
        height, width = (size // step * step for size in planes.shape[1:])
        if min(height, width):
            parts = planes[:, :height, :width].reshape(len(planes), height // step, step, width // step, step)
            planes = parts.mean(axis=(2, 4))
    times = max(1, -(-LEAST // max(planes.shape[1:])))
    return planes.repeat(times, axis=1).repeat(times, axis=2)


def shades(values: Array) -> Array:
    """Numbers as colours, with one more axis: 0 is almost black, the largest of all white; where some are negative,
    blue below 0 and orange above. One in 200 may be brighter than can be shown, so as not to darken the rest."""
    finite = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    sizes = np.abs(finite)
    lit = sizes[sizes > 0]
    scale = float(np.quantile(lit, 1 - 1 / 200, method="higher")) if lit.size else 1.0
    part = np.minimum(sizes / scale, 1.0)[..., None]
    if float(finite.min(initial=0.0)) >= 0:
        return np.rint(ZERO + part * (255 - ZERO)).astype(np.uint8)
    ends = np.where(finite[..., None] < 0, NEGATIVE, POSITIVE)
    return np.rint(ZERO + part * (ends - ZERO)).astype(np.uint8)
