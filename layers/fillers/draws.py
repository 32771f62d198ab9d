"""Random numbers straight into an array, without a temporary of its size."""

from __future__ import annotations

import numpy as np

from ..blob import Array

DRAWN = (np.dtype(np.float32), np.dtype(np.float64))
"""The types that NumPy's generators draw themselves; for others, float32 is drawn and converted."""


def fill_uniform(array: Array, rng: np.random.Generator, low: float, high: float) -> None:
    """Fill *array* with numbers drawn evenly from low to high."""
    if array.dtype in DRAWN:
        rng.random(out=array, dtype=array.dtype.type)
    else:
        array[...] = rng.random(array.shape, np.float32)
    array *= high - low
    array += low
    np.clip(array, low, high, out=array)


def fill_normal(array: Array, rng: np.random.Generator, mean: float, std: float) -> None:
    """Fill *array* with numbers drawn from the normal distribution of *mean* and *std*."""
    if array.dtype in DRAWN:
        rng.standard_normal(out=array, dtype=array.dtype.type)
    else:
        array[...] = rng.standard_normal(array.shape, np.float32)
    array *= std
    array += mean
