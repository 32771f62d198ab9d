"""Report: how fast each rank is, and what part of its time goes into communication."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..solver import Solver
    from .base import Communicator
    from .reducer import Reducer

MOST = 8
"""Ranks that have a line of their own; of more there is one line, with the slowest."""


class Report:
    """Adds up the time of training between two displays. Tests and snapshots are left out."""

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator
        self._since = self._last = time.perf_counter()
        self._iteration = 0
        self._before = (0.0, 0.0)

    def begin(self, iteration: int) -> None:
        """Count from here."""
        self._since, self._iteration = time.perf_counter(), iteration

    def pause(self) -> None:
        """What has passed since the last ``begin`` is spoilt by a test or a snapshot; count from the next display."""
        self._iteration = -1

    def lines(self, solver: Solver, reducer: Reducer, records: int) -> list[str]:
        """What there is to tell, gathered from all ranks, which all call this."""
        seconds, done = time.perf_counter() - self._since, solver.iteration - self._iteration
        known = self._iteration >= 0 and done > 0
        waited, driven = (now - then for now, then in zip((reducer.waited, reducer.driven), self._before, strict=True))
        self._before = (reducer.waited, reducer.driven)
        self.begin(solver.iteration)
        if not known:
            return []
        rows = np.empty((self.communicator.size, 3))
        self.communicator.wait(self.communicator.start_gather(np.array([seconds, waited, driven]) / done, rows))
        count = records * solver.param.iter_size
        if len(rows) <= MOST:
            return [_line(f"rank {rank}", row, count) for rank, row in enumerate(rows)]
        slowest = int((rows[:, 0] - rows[:, 1]).argmax())
        mean = _line(f"mean of {len(rows)} ranks", rows.mean(axis=0), count)
        return [mean, _line(f"slowest, rank {slowest}", rows[slowest], count)]


def _line(who: str, row: np.ndarray[tuple[int], np.dtype[np.float64]], records: int) -> str:
    seconds, waited, driven = row
    speed = f"{records / seconds:.4g} records/s" if records else f"{1 / seconds:.4g} iterations/s"
    shares = f"{waited / seconds:.1%} waiting for others, {driven / seconds:.1%} starting and driving transfers"
    return f"{who}: {speed}, {1e3 * seconds:.4g} ms per iteration, {shares}"
