"""The model of a data-parallel iteration, and what it predicts.

Forward and backward take T. Bucket i of B_i bytes is complete r_i after the start of an iteration, and its sum takes
c_i = 2 (N-1)/N · B_i / bandwidth + 2 ceil(log2 N) · latency; it is there at f_i = max(r_i, f_(i-1)) + c_i; an iteration
takes max(T, f_last) + U, with U for the update. r_i, T and U are measured, the rest is arithmetic.
"""

from __future__ import annotations

import math
from typing import Any

LATENCY = 30e-6
"""Seconds for a message between two nodes: what TCP takes on a data centre's network."""
NODES = [8, 16, 32, 64, 128, 256, 512, 1024]
FASTER = 32
"""How much faster than one thread of this machine the faster nodes of a prediction are."""


def sum_time(size: float, nodes: int, bandwidth: float, latency: float = LATENCY) -> float:
    """Seconds that the sum of *size* bytes over *nodes* takes by links of *bandwidth* bytes a second."""
    return 2 * (nodes - 1) / nodes * size / bandwidth + 2 * math.ceil(math.log2(nodes)) * latency


def iteration_time(
    facts: dict[str, Any], nodes: int, bandwidth: float, latency: float = LATENCY, speed: float = 1.0
) -> float:
    """Seconds of an iteration of a net with these *facts* (``compute``, ``update``, and of each of ``buckets`` its
    ``bytes`` and when it is ``ready``), on nodes *speed* times as fast."""
    free = 0.0
    for bucket in facts["buckets"] if nodes > 1 else ():
        free = max(bucket["ready"] / speed, free) + sum_time(bucket["bytes"], nodes, bandwidth, latency)
    return float(max(facts["compute"] / speed, free) + facts["update"] / speed)


def efficiency(facts: dict[str, Any], nodes: int, gigabits: float, speed: float = 1.0) -> float:
    """An iteration alone by one of so many *nodes*."""
    return iteration_time(facts, 1, 1, speed=speed) / iteration_time(facts, nodes, gigabits * 1e9 / 8, speed=speed)


def show_predictions(facts: dict[str, Any]) -> None:
    """A table of efficiencies over 10 and 100 Gbit/s."""
    print(f"  predicted efficiency, of nodes that compute as fast as one thread here / {FASTER} times as fast:")
    print("  " + " ".join([f"{'nodes':>9}", *(f"{n:>11}" for n in NODES)]))
    for gigabits in (10.0, 100.0):
        pairs = [[efficiency(facts, nodes, gigabits, speed) for speed in (1, FASTER)] for nodes in NODES]
        cells = [f"{slow:.0%} / {fast:.0%}" for slow, fast in pairs]
        print("  " + " ".join([f"{gigabits:4g} Gbit", *(f"{cell:>11}" for cell in cells)]))
