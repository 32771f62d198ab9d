"""Metrics: what a solver tells about an iteration or a test."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..layers import Array
from ..netdef.net import Net


@dataclass(frozen=True)
class TrainMetrics:
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
