"""Metrics: what a solver tells about an iteration or a test."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import SolverError, nearest
from ..layers import Array
from ..netdef.net import Net


class TrainMetrics(NamedTuple):
    """An iteration: its number (from 0), the ``loss`` averaged over iter_size, the ``smoothed`` loss averaged over
    the last average_loss iterations, the learning ``rate``, and, when it is displayed, the train net's outputs from
    the last batch, as (name, value, loss weight) per element."""

    iteration: int
    loss: float
    smoothed: float
    rate: float
    outputs: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True)
class TestResult:
    """A test net's outputs, averaged over ``batches``: (name, value, loss weight) per element; ``loss`` is the mean
    weighted loss."""

    iteration: int
    net: int
    batches: int
    loss: float
    outputs: tuple[tuple[str, float, float], ...] = ()

    def __getitem__(self, name: str) -> float:
        """The first element of the output called *name*."""
        for output, value, _ in self.outputs:
            if output == name:
                return value
        raise KeyError(name)


LESS_IS_BETTER = ("loss", "error", "err")
"""Endings of the names of metrics of which less is better."""


def metric_of(result: TestResult, name: str) -> float:
    """The first element of the output *name* of a test; ``loss`` is the weighted loss where no output has that name.

    Errors: SolverError with the names there are.
    """
    try:
        return result[name]
    except KeyError:
        if name == "loss":
            return result.loss
        names = list(dict.fromkeys(output for output, _, _ in result.outputs))
        hint = nearest(name, names) or f"there are {', '.join(names)}"
        raise SolverError(f"test net #{result.net} has no output '{name}'", hint=hint) from None


def better(name: str, value: float, best: float | None, least: float = 0.0) -> bool:
    """Whether *value* of the metric *name* improves on *best* by more than *least*; a NaN never does."""
    if math.isnan(value):
        return False
    if best is None:
        return True
    gain = best - value if name.lower().endswith(LESS_IS_BETTER) else value - best
    return gain > least


@dataclass
class SmoothedLoss:
    """The mean of the last ``window`` losses, kept as Caffe keeps it."""

    window: int
    losses: list[float] = field(default_factory=list)
    value: float = 0.0

    def add(self, loss: float, age: int) -> float:
        """Take in the loss of the iteration *age* (from 0) of this run; returns the mean."""
        if len(self.losses) < self.window:
            self.losses.append(loss)
            size = len(self.losses)
            self.value = (self.value * (size - 1) + loss) / size
        else:
            slot = age % self.window
            self.value += (loss - self.losses[slot]) / self.window
            self.losses[slot] = loss
        return self.value


def scores(net: Net, values: dict[str, Array] | None = None) -> tuple[tuple[str, float, float], ...]:
    """(name, value, loss weight) for every element of the net's outputs, or of *values* by output name."""
    weights = {id(blob): weight for step in net.steps for blob, weight in step.losses}
    rows = []
    for name in net.outputs:
        blob = net.blobs[name]
        array = blob.data if values is None else values[name]
        rows += [(name, float(v), weights.get(id(blob), 0.0)) for v in array.ravel()]
    return tuple(rows)
