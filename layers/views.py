"""How a blob looks around one of its axes."""

from __future__ import annotations

from .blob import Shape
from .layer import product


def around(shape: Shape, axis: int) -> tuple[int, int, int]:
    """(outer, size, inner): the product of the sizes before *axis*, its own, and the product of those behind it."""
    return product(shape[:axis]), shape[axis], product(shape[axis + 1 :])
