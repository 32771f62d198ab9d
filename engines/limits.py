"""Limits: what a machine can do at most, and so the floor of a call: the time that no kernel goes below.

>>> limits = Limits(operations=100e9, transfer=20e9)
>>> limits.floor(operations=2e9, size=1e9)
0.05
>>> limits.bound(operations=2e9, size=1e9)
'bytes'

A floor counts the operations of the definition. A kernel goes below it where it does fewer, as Winograd's filtering
does, or where what it moves stays in a cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .reference import ReferenceEngine

Clock = Callable[[], float]


class Limits(NamedTuple):
    """*operations*: multiplications and additions per second at the peak, on all threads of an engine; *transfer*:
    bytes per second, read and written, of a copy that is longer than the caches."""

    operations: float
    transfer: float

    def floor(self, operations: float, size: float) -> float:
        """Seconds that so many operations, and so many bytes moved, take at least."""
        return max(operations / self.operations, size / self.transfer)

    def bound(self, operations: float, size: float) -> str:
        """Which of the two it is: "operations", "bytes", or "" for neither."""
        if not operations and not size:
            return ""
        return "operations" if operations / self.operations >= size / self.transfer else "bytes"


def measure_limits(engine: ReferenceEngine, clock: Clock = time.perf_counter, seconds: float = 0.03) -> Limits:
    """The limits of *engine* as it is now: the best of what was seen in *seconds* by *clock* for each of the two.

    With ``time.thread_time`` the engine must have one thread.
    """
    return Limits(_best_rate(engine.burst, clock, seconds), _copy_rate(engine, clock, seconds))


def _copy_rate(engine: ReferenceEngine, clock: Clock, seconds: float) -> float:
    source, target = np.ones(8 << 20, np.float32), np.zeros(8 << 20, np.float32)

    def copy() -> float:
        engine.copy(source, target)
        return 2.0 * source.nbytes

    return _best_rate(copy, clock, seconds)


def _best_rate(call: Callable[[], float], clock: Clock, seconds: float) -> float:
    """The best of *call*'s results per second, over at least three calls; one more goes before, to warm up."""
    call()
    best, spent, calls = 0.0, 0.0, 0
    while calls < 3 or spent < seconds:
        start = clock()
        amount = call()
        took = clock() - start
        best, spent, calls = max(best, amount / max(took, 1e-9)), spent + took, calls + 1
    return best
