"""Places: pixels by their number in a plane, as max pooling remembers them."""

from __future__ import annotations

import numpy as np

from ...errors import DataError
from ...layers import Array, Blob, Layer


def check_places(layer: Layer, mask: Blob, plane: Blob) -> None:
    """Errors: DataError for a number in *mask* that is no pixel of a plane of *plane*."""
    pixels, places = plane.shape[2] * plane.shape[3], mask.data
    if not places.size or (places.min() >= 0 and places.max() < pixels):
        return
    wrong = places[(places < 0) | (places >= pixels)]
    raise DataError(
        f"the mask must name pixels of the top, 0 to {pixels - 1}",
        where=layer.context.position(),
        who=layer.who,
        got=f"{wrong[0]:g}",
        hint="give the size that the pooling layer's bottom had",
    )


def scatter(x: Array, mask: Array, y: Array) -> None:
    """Put every pixel of *x* at its place in *y*, and 0 everywhere else."""
    y.fill(0)
    planes = _planes(y)
    rows = np.arange(len(planes))[:, None]
    planes[rows, _planes(mask).astype(np.intp)] = _planes(x)


def gather(y: Array, mask: Array, x: Array) -> None:
    """Fetch every pixel of *x* from its place in *y*."""
    x[...] = np.take_along_axis(_planes(y), _planes(mask).astype(np.intp), 1).reshape(x.shape)


def _planes(array: Array) -> Array:
    """One row per plane."""
    num, channels, height, width = array.shape
    return array.reshape(num * channels, height * width)
