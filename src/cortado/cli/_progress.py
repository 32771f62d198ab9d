"""The live line of ``cortado train`` on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress as Bar,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..solver import Callback

if TYPE_CHECKING:
    from ..solver import Solver, TestResult, TrainMetrics


TOLD = ("restore", "watchdog", "health", "early-stopping", "plateau")
"""Sources of messages that are worth a line of their own."""


class Progress(Callback):
    """A bar with the loss, the learning rate and the time left; tests and snapshots are printed above it."""

    type = "progress"
    root_only = True

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def on_start(self, solver: Solver) -> None:
        columns = (
            TextColumn("iteration"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.4g}  lr {task.fields[rate]:.3g}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._bar = Bar(*columns, console=self.console, refresh_per_second=5)
        self._task = self._bar.add_task(
            "train", total=solver.param.max_iter, completed=solver.iteration, loss=0.0, rate=0.0
        )
        self._bar.start()

    def on_iteration(self, solver: Solver, metrics: TrainMetrics) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=solver.iteration, loss=metrics.smoothed, rate=metrics.rate)

    def on_test(self, solver: Solver, result: TestResult) -> None:
        values = "  ".join(f"{name} {value:.4g}" for name, value, _ in result.outputs[:8])
        self.console.print(f"iteration {result.iteration:>6}  test #{result.net}  {values}", highlight=False)

    def on_snapshot(self, solver: Solver, weights: Path, state: Path) -> None:
        self.console.print(f"iteration {solver.iteration:>6}  snapshot {state}", highlight=False)

    def on_message(self, solver: Solver, source: str, text: str) -> None:
        if source in TOLD:
            self.console.print(text, highlight=False)

    def on_end(self, solver: Solver) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
