"""Where the taps of a moving window fall: the index arithmetic that convolution and pooling share.

Instead of copying an image into a padded one, every tap of the window gets the range of outputs for which it lies
inside the image, and the (strided) range of pixels it meets there. All is cached: a net asks for the same few again.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..engine import Array
from ..geometry import ConvGeometry, PoolGeometry

Shape = tuple[int, ...]
Slices = tuple[slice, ...]


class Tap(NamedTuple):
    """One tap: its flat number in the kernel, its offset per axis, and for which outputs it reads which pixels."""

    number: int
    offset: Shape
    outputs: tuple[Any, ...]
    pixels: tuple[Any, ...]


@lru_cache(maxsize=512)
def conv_taps(spatial: Shape, out: Shape, geometry: ConvGeometry) -> list[Tap]:
    """The taps of a convolution, in row-major order; those that always fall into the padding are left out."""
    return _taps(spatial, out, geometry.kernel, geometry.stride, geometry.pad, geometry.dilation)


@lru_cache(maxsize=512)
def pool_taps(spatial: Shape, out: Shape, geometry: PoolGeometry) -> list[Tap]:
    """The taps of a pooling window, in row-major order; those that always fall into the padding are left out."""
    return _taps(spatial, out, geometry.kernel, geometry.stride, geometry.pad, (1,) * len(spatial))


def _taps(spatial: Shape, out: Shape, kernel: Shape, stride: Shape, pad: Shape, dilation: Shape) -> list[Tap]:
    taps = []
    for number, tap in enumerate(np.ndindex(*kernel)):
        offset = tuple(t * d - p for t, d, p in zip(tap, dilation, pad, strict=True))
        ranges = [_range(n, o, s, at) for n, o, s, at in zip(spatial, out, stride, offset, strict=True)]
        if all(found is not None for found in ranges):
            outputs, pixels = zip(*(found for found in ranges if found is not None), strict=True)
            taps.append(Tap(number, offset, (..., *outputs), (..., *pixels)))
    return taps


def _range(size: int, out: int, stride: int, offset: int) -> tuple[slice, slice] | None:
    """The outputs o with 0 <= o * stride + offset < size, and those pixels; None if there are none."""
    first = max(0, -(offset // stride))
    last = min(out - 1, (size - 1 - offset) // stride)
    if first > last:
        return None
    start = first * stride + offset
    return slice(first, last + 1), slice(start, last * stride + offset + 1, stride)


@lru_cache(maxsize=256)
def window_origins(spatial: Shape, out: Shape, geometry: PoolGeometry) -> Array:
    """Per window, in the shape *out*: the flat index (int32) at which it would begin if there were no padding.

    With the flat offset of a tap, which counts the padding, this gives the index of the pixel that the tap meets.
    """
    begins = [np.arange(o) * s for o, s in zip(out, geometry.stride, strict=True)]
    return _flat_index(begins, spatial)


@lru_cache(maxsize=256)
def first_pixels(spatial: Shape, out: Shape, geometry: PoolGeometry) -> Array:
    """Per window, in the shape *out*: the flat index (int32) of its first pixel inside the image, -1 if it has none."""
    begins = [np.arange(o) * s - p for o, s, p in zip(out, geometry.stride, geometry.pad, strict=True)]
    index = _flat_index([np.maximum(begin, 0) for begin in begins], spatial)
    for axis, (begin, size) in enumerate(zip(begins, spatial, strict=True)):
        index[(slice(None),) * axis + (begin >= size,)] = -1
    return index


@lru_cache(maxsize=256)
def window_areas(spatial: Shape, out: Shape, geometry: PoolGeometry, dtype: np.dtype[np.generic]) -> Array:
    """Per window, in the shape *out*: its number of pixels after cutting it at size + pad, at least 1."""
    area = np.ones((), np.int64)
    axes = zip(spatial, out, geometry.kernel, geometry.stride, geometry.pad, strict=True)
    for size, outputs, kernel, stride, pad in axes:
        begin = np.arange(outputs) * stride - pad
        area = np.multiply.outer(area, np.minimum(begin + kernel, size + pad) - begin)
    return np.maximum(area, 1).astype(dtype)


def strides_of(spatial: Shape) -> Shape:
    """How far the flat index moves for one step along each axis."""
    return tuple(prod(spatial[axis + 1 :]) for axis in range(len(spatial)))


def _flat_index(begins: list[Array], spatial: Shape) -> Array:
    total = np.zeros((), np.int32)
    for begin, step in zip(begins, strides_of(spatial), strict=True):
        total = np.add.outer(total, (begin * step).astype(np.int32))
    return total
