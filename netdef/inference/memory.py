"""Memory: values that are never needed at the same time lie in the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...layers import Array, Blob
from .graph import Operation
from .operations import FusedConvolution

ALIGNMENT = 64
"""Bytes to a multiple of which every value begins: a cache line, and the widest vector."""


@dataclass
class Life:
    """The memory behind one or more blobs: how many elements, and the first and the last operation that touch it."""

    blob: Blob
    first: int
    last: int
    size: int = 0
    offset: int = 0

    def take(self, blob: Blob) -> None:
        """Be as large as *blob* needs."""
        size = -(-blob.count * blob.dtype.itemsize // ALIGNMENT) * ALIGNMENT
        if size > self.size:
            self.blob, self.size = blob, size

    def meets(self, other: Life) -> bool:
        return self.first <= other.last and other.first <= self.last


def share_memory(operations: Sequence[Operation]) -> Array:
    """Give every value that is not wanted its place in one array, which is returned."""
    lives = lifetimes(operations)
    memory = arrange(lives)
    for life in lives:
        life.blob.place_data(memory[life.offset : life.offset + life.size].view(life.blob.dtype))
    return memory


def arrange(lives: Sequence[Life]) -> Array:
    """Set the ``offset`` of each of *lives* in one array, which is returned: the largest first, each as low as the
    others that live at the same time let it."""
    placed: list[Life] = []
    for life in sorted(lives, key=lambda each: each.size, reverse=True):
        life.offset = _lowest(life, [other for other in placed if life.meets(other)])
        placed.append(life)
    total = max((life.offset + life.size for life in placed), default=0)
    return _aligned(total)


def lifetimes(operations: Sequence[Operation]) -> list[Life]:
    """How long each memory is needed whose blobs are of no interest to anybody else."""
    lives: dict[int, Life] = {}
    wanted: set[int] = set()
    for index, operation in enumerate(operations):
        values = [*operation.bottoms, *operation.tops]
        if isinstance(operation, FusedConvolution) and operation.into is not None:
            values = [*operation.bottoms, operation.into[0]]
        for value in values:
            key, blob = value.blob.data_key, value.blob
            if value.wanted:
                wanted.add(key)
            life = lives.setdefault(key, Life(blob, index, index))
            life.last = index
            life.take(blob)
    return [life for key, life in lives.items() if key not in wanted and life.size]


def _lowest(life: Life, others: list[Life]) -> int:
    """The lowest offset at which *life* overlaps none of *others*."""
    offset = 0
    for other in sorted(others, key=lambda each: each.offset):
        if offset + life.size <= other.offset:
            break
        offset = max(offset, other.offset + other.size)
    return offset


def _aligned(size: int) -> Array:
    """*size* bytes from an address that is a multiple of the alignment; the system gives them when they are touched."""
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]
