"""Indices that arrive in a blob of floats."""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .blob import Array, Blob
from .layer import Layer


def whole_numbers(layer: Layer, source: Blob, target: Blob, limit: int, meaning: str) -> Array:
    """Write the values of *source*, cut to whole numbers, into *target*, which has its count and an integer dtype.

    Errors: DataError for one below 0 or not below *limit*, which is *meaning* in words.
    """
    values, index = source.data.reshape(-1), target.data.reshape(-1)
    with np.errstate(invalid="ignore"):
        np.copyto(index, values, casting="unsafe")
    if index.size and not (int(index.min()) >= 0 and int(index.max()) < limit):
        wrong = int(np.argmax((index < 0) | (index >= limit)))
        raise DataError(
            f"indices in '{source.told}' must be from 0 to {limit - 1}, below {meaning}",
            where=layer.context.position(),
            who=layer.who,
            got=f"{values[wrong]:g} at position {wrong}",
        )
    return index
