"""early-stopping: ends a run when a test score no longer gets better, and keeps the best weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...plugins import Bool, Choice, Float, Int, Parameters, ParametersClass, String, UInt, hookimpl
from ..snapshot import snapshot_paths, write_snapshot
from .base import Callback
from .watch import HIGHER, LOWER, Watch

if TYPE_CHECKING:
    from ..metrics import TestResult
    from ..solver import Solver


class EarlyStoppingParameter(Parameters, field="early_stopping_param", number=5030, owner="SolverParameter"):
    metric = String(1, default="loss", doc="an output of the test net, or 'loss' for its weighted loss")
    better = Choice(2, (LOWER, HIGHER), doc="which values are the better ones")
    patience = Int(3, default=5, minimum=1, doc="tests without a better value before the run ends")
    min_delta = Float(4, default=0, minimum=0, doc="by how much a value must be better to count")
    test_net = UInt(5, default=0, doc="which test net")
    keep_best = Bool(6, default=True, doc="whether to write a snapshot at each best value")


class EarlyStopping(Callback):
    """Ends the run after ``patience`` tests in a row whose score is not better than the best one by ``min_delta``.

    At each best value a snapshot is written, ``<prefix>_best.caffemodel`` and ``<prefix>_best.solverstate``, over the
    one before it. The score should be one of data that the training does not see.

    Takes part in a run whose solver file has an ``early_stopping_param``, or by ``--callback early-stopping``.

    Parameters, ``early_stopping_param``: ``metric`` ("loss"), ``better`` (LOWER, or HIGHER, as for an accuracy),
    ``patience`` (5), ``min_delta`` (0), ``test_net`` (0), ``keep_best`` (true).
    Attributes: ``watch.best``, ``best_iteration``, and ``best_weights``, a path, or None before the first test.
    Errors: SolverError at the start of a run without tests, or whose test net has no such output.

    Example::

        test_interval: 100
        early_stopping_param { metric: "accuracy" better: HIGHER patience: 10 }

    Source: Prechelt, "Early Stopping - But When?", 1998.
    """

    type: ClassVar[str] = "early-stopping"
    parameters: ClassVar[ParametersClass | None] = EarlyStoppingParameter

    def __init__(self) -> None:
        self.watch: Watch | None = None
        self.best_iteration = -1
        self.best_weights: Path | None = None
        self._tested = -1
        self._resumed: tuple[float, int] | None = None

    def on_start(self, solver: Solver) -> None:
        if self.watch is None:
            own = solver.param.early_stopping_param
            self.watch = Watch.of(own, EarlyStoppingParameter.better.choice(own.better), "callback 'early-stopping'")
            if self._resumed is not None:
                self.watch.best, self.watch.since = self._resumed
        self.watch.check(solver)

    def on_test(self, solver: Solver, result: TestResult) -> None:
        watch, own = self.watch, solver.param.early_stopping_param
        if watch is None or result.iteration == self._tested:
            return
        improved = watch.take(result)
        if improved is None:
            return
        self._tested = result.iteration
        if improved:
            self._keep(solver, own.keep_best)
        elif watch.since >= own.patience:
            text = f"{watch.metric} has not been better than {watch.best:g} since iteration {self.best_iteration}"
            solver.message("early-stopping", f"Stopping: {text}")
            solver.request_stop()

    def run_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"tested": self._tested, "best_iteration": self.best_iteration}
        state["best_weights"] = None if self.best_weights is None else str(self.best_weights)
        return state if self.watch is None else state | {"best": self.watch.best, "since": self.watch.since}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        self._tested, self.best_iteration = state["tested"], state["best_iteration"]
        self.best_weights = None if state["best_weights"] is None else Path(state["best_weights"])
        self._resumed = (state["best"], state["since"]) if "best" in state else None
        if self.watch is not None and self._resumed is not None:
            self.watch.best, self.watch.since = self._resumed

    def _keep(self, solver: Solver, write: bool) -> None:
        self.best_iteration = solver.iteration
        if write:
            weights, state = (_best(path, solver.iteration) for path in snapshot_paths(solver))
            write_snapshot(solver, weights, state)
            self.best_weights = weights


def _best(path: Path, iteration: int) -> Path:
    head, _, suffix = path.name.rpartition(f"_iter_{iteration}.")
    return path.with_name(f"{head}_best.{suffix}")


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [EarlyStopping]
