"""early-stopping: ends a run that no longer gets better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ...plugins import hookimpl
from ..metrics import better, metric_of
from .base import Callback

if TYPE_CHECKING:
    from ..metrics import TestResult
    from ..solver import Solver


class EarlyStopping(Callback):
    """Stops after *patience* tests in a row in which *metric* did not improve by more than *least*.

    Parameters: *metric* ("loss"), an output of the first test net, or ``loss``; *patience* (5); *least* (0). Whether
    less is better shows in the name: of losses and errors it is. The state is kept in snapshots.
    """

    type: ClassVar[str] = "early-stopping"

    def __init__(self, metric: str = "loss", patience: int = 5, least: float = 0.0) -> None:
        self.metric, self.patience, self.least = metric, patience, least
        self.best: float | None = None
        self.waited = 0

    def on_test(self, solver: Solver, result: TestResult) -> None:
        if result.net != 0:
            return
        value = metric_of(result, self.metric)
        if better(self.metric, value, self.best, self.least):
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            text = f"{self.metric} has not improved on {self.best:g} in {self.waited} tests, stopping"
            solver.message("solve", text)
            solver.request_stop()

    def run_state(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [EarlyStopping]
