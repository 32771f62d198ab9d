"""What the families of reference kernels share: scratch memory that is allocated once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from ...errors import ShapeError
from ..engine import Array, Engine


def reshaped(array: Array, *shape: int) -> Array:
    """A view of *array* in another shape. Errors: ShapeError where only a copy would do, for writes would be lost."""
    if not array.flags.c_contiguous:
        raise ShapeError(
            "the arrays of a kernel must be C-contiguous",
            got=f"shape {array.shape} with strides {array.strides}",
            hint="pass it a copy",
        )
    return array.reshape(shape)


class ReferenceBase(Engine):
    """Scratch memory for kernels: one set of buffers per engine and thread, which only grow."""

    def __init__(self) -> None:
        self._local = threading.local()

    def scratch(self, slot: str, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """An array with unset contents, valid until the same thread asks for the same *slot* again."""
        dtype = np.dtype(dtype)
        size = prod(shape) * dtype.itemsize
        buffers: dict[str, Array] = self._local.__dict__.setdefault("buffers", {})
        buffer = buffers.get(slot)
        if buffer is None or buffer.size < size:
            buffer = buffers[slot] = np.empty(max(size, 1), np.uint8)
        return buffer[:size].view(dtype).reshape(shape)

    def like(self, slot: str, array: Array) -> Array:
        """Scratch memory with the shape and dtype of *array*."""
        return self.scratch(slot, array.shape, array.dtype)
