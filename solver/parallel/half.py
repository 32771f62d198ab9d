"""Half: a sum over ranks that sends 16-bit floats and adds 32-bit ones."""

from __future__ import annotations

import numpy as np

from ...layers import Array
from .base import Communicator, Pending

LARGEST = 2.0**14
"""What the largest number of a piece becomes: 16-bit floats go to 65504, and down to 2^-24."""
HEAD = 2
"""16-bit places before a piece, which hold the 32-bit number that it was divided by."""


class HalfSum:
    """The sum of *flat* over all ranks, in place; its size is a multiple of twice the number of ranks.

    Rank r sums piece r: everybody sends it theirs in half precision, it adds them as 32-bit floats in the order of
    ranks, and sends the sum to all, again in half precision. So an element of the sum has a relative error of 2^-10
    at most, or 2^-38 of the largest of its piece if that is more. All ranks end with the same bits.
    """

    def __init__(self, communicator: Communicator, flat: Array) -> None:
        self.communicator, self.flat = communicator, flat
        size = communicator.size
        self._pieces = flat.reshape(size, -1)
        width = self._pieces.shape[1] + HEAD
        self._send, self._received = np.zeros((size, width), np.float16), np.zeros((size, width), np.float16)
        self._sum = np.zeros((1, width - HEAD), flat.dtype)
        self._part = np.zeros_like(self._sum)
        self._own = np.zeros((1, width), np.float16)
        self._pending: Pending | None = None
        self._gathering = False

    def start(self) -> Pending:
        pack(self._pieces, self._send)
        self._gathering = False
        self._pending = self.communicator.start_alltoall(self._send, self._received)
        return self

    def done(self) -> bool:
        if self._pending is None:
            return True
        if not self._pending.done():
            return False
        if self._gathering:
            unpack(self._received, self._pieces)
            self._pending = None
            return True
        self._sum[...] = 0
        for row in self._received:
            unpack(row[None], self._part)
            self._sum += self._part
        pack(self._sum, self._own)
        self._gathering = True
        self._pending = self.communicator.start_gather(self._own[0], self._received)
        return False


def pack(rows: Array, out: Array) -> None:
    """Each row, times a power of two that makes its largest number 2^14, as 16-bit floats behind that factor."""
    largest = np.abs(rows).max(axis=1)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1).astype(np.float32)
    factor = np.exp2(np.clip(-np.ceil(np.log2(scale)), -100, 100)).astype(np.float32) * np.float32(LARGEST)
    out[:, :HEAD].view(np.float32)[:, 0] = factor
    with np.errstate(all="ignore"):
        np.multiply(rows, factor[:, None], out=out[:, HEAD:], casting="same_kind")


def unpack(rows: Array, out: Array) -> None:
    """What ``pack`` was given, up to rounding."""
    factor = rows[:, :HEAD].view(np.float32)
    np.divide(rows[:, HEAD:], factor, out=out)
