"""Shared: sums of arrays that lie in memory which all ranks of one host share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...layers import Array

MEMORY = Path("/dev/shm")
"""Where MPI takes shared memory from; of a container it may be small, and who writes more than there is, dies."""
SPARE = 2
"""How many times what is needed must be there."""
LINE = 64
PIECE = 2**15
"""Numbers that are added up before they are given to the others: they stay in the second-level cache."""


def share(mpi: Any, group: Any, counts: Sequence[int], dtype: npt.DTypeLike) -> list[SharedSum] | None:
    """For each of *counts* an array of zeros, each rank's own, and what sums it; None where that is not to be had.

    All ranks of *group*, an mpi4py communicator of one host, call this. The memory is kept to the end of the process.
    """
    itemsize = np.dtype(dtype).itemsize
    flags = 2 * len(counts) * group.size * 8
    places, size = [], _lines(flags)
    for count in counts:
        places.append(size)
        size += _lines(count * itemsize)
    there = _free() >= SPARE * size * group.size
    if not group.allreduce(there, mpi.LAND):
        return None
    window = mpi.Win.Allocate_shared(size, 1, comm=group)
    window.Lock_all()
    parts = [np.frombuffer(window.Shared_query(rank)[0], np.uint8) for rank in range(group.size)]
    parts[group.rank][:] = 0
    group.Barrier()
    signs = memoryview(parts[0].data[:flags]).cast("q")
    found = []
    for number, (place, count) in enumerate(zip(places, counts, strict=True)):
        views = [part[place : place + count * itemsize].view(dtype) for part in parts]
        found.append(SharedSum(window, signs[2 * number * group.size :], views, group.rank))
    return found


def _free() -> float:
    if not MEMORY.is_dir():
        return float("inf")
    about = os.statvfs(MEMORY)
    return about.f_bavail * about.f_frsize


def _lines(size: int) -> int:
    return -(-size // LINE) * LINE


class SharedSum:
    """A transfer that can be started again and again: each of *views*, the arrays of all ranks, becomes their sum.

    Rank r adds part r of all others to its own as soon as all are ready, and writes it to them, so that all end with
    the same bits. *signs* has, of each rank, how often it was ready, and behind them how often it was done.
    """

    def __init__(self, window: Any, signs: memoryview[int], views: list[Array], rank: int) -> None:
        self._window, self._rank, self._size = window, rank, len(views)
        self._ready, self._done = signs[: self._size], signs[self._size : 2 * self._size]
        self._own, self._others = views[rank], [view for other, view in enumerate(views) if other != rank]
        self._turn = 0
        self._added = True

    @property
    def array(self) -> Array:
        """This rank's own."""
        return self._own

    def start(self) -> SharedSum:
        self._turn += 1
        self._added = False
        self._set(self._ready)
        return self

    def done(self) -> bool:
        if not self._added:
            if not self._all(self._ready):
                return False
            self._add()
            self._added = True
            self._set(self._done)
        return self._all(self._done)

    def _set(self, signs: memoryview[int]) -> None:
        self._window.Sync()  # what was written before is seen before
        signs[self._rank] = self._turn

    def _all(self, signs: memoryview[int]) -> bool:
        for rank in range(self._size):
            if signs[rank] < self._turn:
                return False
        self._window.Sync()
        return True

    def _add(self) -> None:
        count = self._own.size
        begin, end = (count * part // self._size for part in (self._rank, self._rank + 1))
        for at in range(begin, end, PIECE):
            upto = min(at + PIECE, end)
            part = self._own[at:upto]
            for view in self._others:
                part += view[at:upto]
            for view in self._others:
                view[at:upto] = part
