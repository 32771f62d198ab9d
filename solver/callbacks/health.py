"""health: how large gradients and updates are, and which units are dead."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...plugins import hookimpl
from .base import Callback

if TYPE_CHECKING:
    from ..metrics import TrainMetrics
    from ..solver import Solver

EXPLODING = 0.1
"""Length of the update by that of the weights above which a step destroys what was learned; 0.001 is usual."""
VANISHING = 1e-7
"""The same below which a parameter stands still."""
CUT_OFF = ("ReLU", "Threshold")
"""Layers whose units may be 0 for every input."""


class Health(Callback):
    """A line per parameter: length of its gradient, and of its update by that of its weights; a line per layer with
    dead units, those that were 0 for the whole batch.

    ``exploding`` and ``vanishing`` mark parameters whose updates are above 0.1 or below 1e-7 of the weights.
    Parameters: *every* (0), iterations between two reports; 0 takes ``display`` of the solver, or 100.
    """

    type: ClassVar[str] = "health"

    def __init__(self, every: int = 0) -> None:
        self.every = every
        self._lengths: list[float] = []

    def _due(self, solver: Solver, iteration: int) -> bool:
        return iteration % (self.every or solver.param.display or 100) == 0

    def on_start(self, solver: Solver) -> None:
        solver.keeps_updates = True

    def on_gradients(self, solver: Solver) -> None:
        if self._due(solver, solver.iteration):
            self._lengths = [math.sqrt(solver.engine.sumsq(p.blob.diff)) for p in solver.net.learnable]

    def on_iteration(self, solver: Solver, metrics: TrainMetrics) -> None:
        if not self._due(solver, metrics.iteration):
            return
        for parameter, length in zip(solver.net.learnable, self._lengths, strict=True):
            if not parameter.lr_mult:
                continue
            weights = math.sqrt(solver.engine.sumsq(parameter.blob.data))
            ratio = math.sqrt(solver.engine.sumsq(parameter.blob.diff)) / weights if weights else math.nan
            mark = " exploding" if ratio > EXPLODING else " vanishing" if ratio < VANISHING else ""
            text = f"{parameter.label}: gradient {length:.3g}, update/weights {ratio:.3g}{mark}"
            solver.message("health", f"Iteration {metrics.iteration}, {text}")
        self._dead_units(solver, metrics.iteration)

    def _dead_units(self, solver: Solver, iteration: int) -> None:
        for step in solver.net.steps:
            if step.layer.type not in CUT_OFF or step.top[0].num_axes < 2:
                continue
            data = step.top[0].data
            axes = tuple(axis for axis in range(data.ndim) if axis != 1)
            dead = int((~np.any(data, axis=axes)).sum())
            if dead:
                text = f"{step.layer.name}: {dead} of {data.shape[1]} units are 0 for the whole batch"
                solver.message("health", f"Iteration {iteration}, {text}")


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [Health]
