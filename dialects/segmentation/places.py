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
    planes = y.reshape(-1, y.shape[2] * y.shape[3])
    rows = np.arange(len(planes))[:, None]
    planes[rows, mask.reshape(len(planes), -1).astype(np.intp)] = x.reshape(len(planes), -1)


def gather(y: Array, mask: Array, x: Array) -> None:
    """Fetch every pixel of *x* from its place in *y*."""
    planes = y.reshape(-1, y.shape[2] * y.shape[3])
    places = mask.reshape(len(planes), -1).astype(np.intp)
    x[...] = np.take_along_axis(planes, places, 1).reshape(x.shape)
