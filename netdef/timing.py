"""Timing: how long each layer of a net takes, forward and backward, and how near that is to what the machine can do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from ..engines.limits import Limits
from .net import Net
from .step_cost import Work, backward_work, forward_work


@dataclass(frozen=True)
class PassTime:
    """One direction of one layer, or of several together: *seconds*, the median, and at least *floor* of them are
    needed, because of "operations" or "bytes", which *bound* says ("" where nothing is done)."""

    seconds: float
    work: Work
    floor: float
    bound: str = ""

    @property
    def rate(self) -> float:
        """Multiplications and additions per second; 0 where none are counted."""
        return self.work.operations / self.seconds if self.seconds else 0.0

    @property
    def over_floor(self) -> float:
        """How many times its floor it takes; 0 where there is none."""
        return self.seconds / self.floor if self.floor else 0.0


@dataclass(frozen=True)
class LayerTime:
    """A layer's *forward* and *backward*."""

    name: str
    type: str
    forward: PassTime
    backward: PassTime

    @property
    def seconds(self) -> float:
        return self.forward.seconds + self.backward.seconds


def time_layers(net: Net, iterations: int, limits: Limits) -> list[LayerTime]:
    """Run *net* so many times, forward and backward, and tell of each of its layers the median of either.

    The net must have run once, so that all memory is taken.
    """
    forward: list[list[float]] = [[] for _ in net.steps]
    backward: list[list[float]] = [[] for _ in net.steps]
    for _ in range(iterations):
        for index, step in enumerate(net.steps):
            begin = time.perf_counter()
            step.forward()
            forward[index].append(time.perf_counter() - begin)
        for index in reversed(range(len(net.steps))):
            begin = time.perf_counter()
            net.steps[index].backward()
            backward[index].append(time.perf_counter() - begin)
    return [
        LayerTime(
            step.layer.name,
            step.layer.type,
            _against(limits, median(forward[index]), forward_work(step)),
            _against(limits, median(backward[index]), backward_work(step)),
        )
        for index, step in enumerate(net.steps)
    ]


def together(passes: list[PassTime]) -> PassTime:
    """Passes one after the other: seconds, work and floors added up."""
    work = Work(sum(p.work.operations for p in passes), sum(p.work.size for p in passes))
    return PassTime(sum(p.seconds for p in passes), work, sum(p.floor for p in passes))


def _against(limits: Limits, seconds: float, work: Work) -> PassTime:
    return PassTime(seconds, work, limits.floor(*work), limits.bound(*work))
