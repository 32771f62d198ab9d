"""retention: which snapshots of a run are kept."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import CortadoError
from ...plugins import hookimpl
from ..metrics import better, metric_of
from ..run_state import read_run_state, snapshots_of
from .base import Callback

if TYPE_CHECKING:
    from ..metrics import TestResult
    from ..solver import Solver


class Retention(Callback):
    """Keeps the *last* N snapshots of the run, and the one with the *best* METRIC; the others are deleted.

    Parameters: *last* (None: nothing is deleted), at least 1; *best* (None), an output of the first test net, or
    ``loss``: whenever a test finds it better than before, a snapshot of the tested weights is taken if none fell due,
    and kept until a better one is whole. Of losses and errors less is better, of anything else more.

    Nothing is deleted before the newest snapshot has been read again and found whole, and never a file of another run.
    """

    type: ClassVar[str] = "retention"

    def __init__(self, last: int | None = None, best: str | None = None) -> None:
        self.last, self.best = last, best
        self.value: float | None = None
        self.iteration: int | None = None

    def on_test(self, solver: Solver, result: TestResult) -> None:
        if self.best is None or result.net != 0:
            return
        value = metric_of(result, self.best)
        if better(self.best, value, self.value):
            self.value, self.iteration = value, solver.iteration
            there = [path for iteration, path in snapshots_of(solver) if iteration == solver.iteration]
            if not solver.parallel.same(bool(there)):
                solver.message("snapshot", f"Best {self.best} so far, {value:g}")
                solver.snapshot()

    def on_snapshot(self, solver: Solver, weights: Path, state: Path) -> None:
        if self.last is None:
            return
        found = snapshots_of(solver)
        kept = {path for _, path in found[-max(1, self.last) :]}
        kept |= {path for iteration, path in found if iteration in (self.iteration, solver.iteration)}
        doomed = [path for _, path in found if path not in kept]
        if doomed:
            read_run_state(found[-1][1])
        for path in doomed:
            _delete(path)

    def run_state(self) -> dict[str, Any]:
        return {"value": self.value, "iteration": self.iteration}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        self.value, self.iteration = state["value"], state["iteration"]


def _delete(run: Path) -> None:
    """Delete a snapshot; the run file goes last, so that a deletion cut short is finished next time."""
    names: list[str] = []
    with suppress(CortadoError, LookupError, TypeError, AttributeError):
        from ..run_file import read_run_file

        names = [Path(described["name"]).name for described in read_run_file(run)["files"].values()]
    for path in [*(run.parent / name for name in names), run]:
        with suppress(OSError):
            path.unlink()


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [Retention]
