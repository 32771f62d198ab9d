"""Callback: called by the solver at fixed moments of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ...plugins import ParametersClass
    from ..metrics import TestResult, TrainMetrics
    from ..solver import Solver


class Callback:
    """Base of callbacks; every method does nothing, so a subclass has only those it needs.

    A callback ends the run by ``solver.request_stop()``. An exception it raises ends the run as an error.

    It is passed to ``Solver``, or named on the command line. One with ``parameters``, a Parameters class with
    ``owner="SolverParameter"``, also takes part in every run whose solver file sets them; it is made without arguments
    and finds them in ``solver.param``.

    Example::

        class StopAtLoss(Callback):
            type = "stop-at-loss"

            def on_iteration(self, solver, metrics):
                if metrics.loss < 0.01:
                    solver.request_stop()
    """

    plugin_kind: ClassVar[str] = "callbacks"
    type: ClassVar[str] = ""
    parameters: ClassVar[ParametersClass | None] = None
    root_only: ClassVar[bool] = False
    """Of several processes that train together only rank 0 has it: it tells, and changes nothing of the training."""

    def on_start(self, solver: Solver) -> None:
        """Before the first iteration of ``step``, ``train`` or ``solve``."""

    def on_gradients(self, solver: Solver) -> None:
        """When all gradients of an iteration are there, before they are clipped, averaged and applied."""

    def on_iteration(self, solver: Solver, metrics: TrainMetrics) -> None:
        """After the update of every iteration."""

    def on_display(self, solver: Solver, metrics: TrainMetrics) -> None:
        """Every ``display`` iterations, with the smoothed loss and the train net's outputs, before the update."""

    def on_test(self, solver: Solver, result: TestResult) -> None:
        """After each test net has been tested."""

    def on_snapshot(self, solver: Solver, weights: Path, state: Path) -> None:
        """After a snapshot is whole on disk."""

    def on_message(self, solver: Solver, source: str, text: str) -> None:
        """When the solver has something to tell: *source* is the step it comes from, *text* a line for people."""

    def on_end(self, solver: Solver) -> None:
        """When the run has ended, also by a request to stop."""

    def run_state(self) -> dict[str, Any]:
        """What it must know to go on in a resumed run: numbers, text, arrays, lists and dicts of them."""
        return {}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``run_state`` returned."""
