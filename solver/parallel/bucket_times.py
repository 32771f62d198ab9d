"""Bucket times: what the reduction of each bucket takes by itself."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from .reducer import Reducer

if TYPE_CHECKING:
    from ...netdef.net import Net
    from .base import Communicator


def time_buckets(
    net: Net, communicator: Communicator, iterations: int, megabytes: float = 4, half: bool = False
) -> list[tuple[str, int, float]]:
    """For each bucket of *net* which parameters are in it, its bytes, and the median seconds of its sum over all
    ranks, of so many *iterations*. All ranks call this."""
    reducer = Reducer(net, communicator, megabytes, half)
    rows = []
    for bucket in reducer.buckets:
        times = []
        for _ in range(iterations):
            communicator.barrier()
            begin = time.perf_counter()
            communicator.wait(reducer.start(bucket))
            times.append(time.perf_counter() - begin)
        rows.append((bucket.label, bucket.used * bucket.flat.itemsize, median(times)))
    net.after_backward.clear()
    return rows
