"""The model of a data-parallel iteration, and what it predicts.

Forward and backward take T, and bucket i of B_i bytes is complete r_i after the start of an iteration. Of the bytes
V_i = 2 (N-1)/N · B_i that a node sends and receives, each takes w seconds of the processor that computes, to be moved
and added up: T becomes T + w · sum V_i, and the r_i grow with it. The sum of a bucket takes
c_i = V_i · max(1/bandwidth, m) + 2 ceil(log2 N) · (latency + p), with m for what one thread needs for a byte, and p, as
long as backward goes on, for the mean wait until the thread looks. It is there at f_i = max(r_i, f_(i-1)) + c_i, and an
iteration takes max(T, f_last) + U, with U for the update. r_i, T and U are measured for each net, w, m and p once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

NODES = [8, 16, 32, 64, 128, 256, 512, 1024]
FASTER = 32
"""How much faster than one thread of this machine the faster nodes of a prediction are."""


@dataclass(frozen=True)
class Network:
    """How data travel: *latency* of a message, *work* of the processor for each byte, *least* seconds for a byte of the
    thread that moves it, *look*, the mean wait until it looks, and *used*, the part of the bandwidth that it gets."""

    latency: float
    work: float
    least: float = 0.0
    look: float = 0.0
    used: float = 1.0


TCP = Network(30e-6, 2.5e-9, 1e-9, 3e-4, 0.95)
"""Measured, but for the latency, which is that of a data centre; see docs/scaling.md."""
DIRECT = Network(3e-6, 0.25e-9, 0, 3e-4, 0.95)
"""A network that moves data by itself, so that only adding up is left to the processor; not measured."""


def iteration_time(
    facts: dict[str, Any], nodes: int, bandwidth: float, network: Network = TCP, speed: float = 1.0
) -> float:
    """Seconds of an iteration of a net with these *facts* (``compute``, ``update``, and of each of ``buckets`` its
    ``bytes`` and when it is ``ready``), on nodes *speed* times as fast."""
    share, buckets = 2 * (nodes - 1) / nodes, facts["buckets"]
    compute = (facts["compute"] + network.work * share * sum(b["bytes"] for b in buckets)) / speed
    byte = max(1 / (network.used * bandwidth), network.least)
    free = 0.0
    for bucket in buckets if nodes > 1 else ():
        start = max(bucket["ready"] / facts["compute"] * compute, free)
        step = network.latency + (network.look / speed if start < compute else 0)
        free = start + share * bucket["bytes"] * byte + 2 * math.ceil(math.log2(nodes)) * step
    return float(max(compute, free) + facts["update"] / speed)


def efficiency(facts: dict[str, Any], nodes: int, gigabits: float, network: Network, speed: float = 1.0) -> float:
    """An iteration alone by one of so many *nodes*."""
    together = iteration_time(facts, nodes, gigabits * 1e9 / 8, network, speed)
    return iteration_time(facts, 1, 1, network, speed) / together


def show_predictions(facts: dict[str, Any]) -> None:
    """A table of efficiencies over 10 and 100 Gbit/s."""
    print(f"  predicted efficiency, of nodes that compute as fast as one thread here / {FASTER} times as fast:")
    print("  " + " ".join([f"{'nodes':>15}", *(f"{n:>11}" for n in NODES)]))
    for name, gigabits, network in (("TCP", 10.0, TCP), ("TCP", 100.0, TCP), ("direct", 100.0, DIRECT)):
        pairs = [[efficiency(facts, nodes, gigabits, network, speed) for speed in (1, FASTER)] for nodes in NODES]
        cells = [f"{slow:.0%} / {fast:.0%}" for slow, fast in pairs]
        print("  " + " ".join([f"{f'{name} {gigabits:g} Gbit':>15}", *(f"{cell:>11}" for cell in cells)]))
