"""jsonl: the metrics of a run as lines of JSON, for programs, plots and reports."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import FileError
from ...plugins import hookimpl
from .base import Callback

if TYPE_CHECKING:
    from ..metrics import TestResult, TrainMetrics
    from ..solver import Solver

SUFFIX = ".metrics.jsonl"
LONGEST = 2**20
"""Bytes at the end of a file in which the end of its last whole line is looked for."""


class JsonLines(Callback):
    """Writes one line of JSON per displayed iteration, test and snapshot.

    Parameters: *path*, by default the solver's ``snapshot_prefix`` (or the name of the solver file) with
    ``.metrics.jsonl``. A run that begins at iteration 0 starts the file anew, one that goes on from a snapshot adds
    to it. The lines have ``event``: ``start`` (net, solver, seed, versions), ``train`` (iteration, loss, smoothed, lr,
    outputs), ``test`` (iteration, net, batches, loss, outputs), ``snapshot`` (iteration, weights, state) and ``end``;
    and ``seconds`` since the start. NaN and infinity are written as null, as JSON has no such numbers.
    Errors: FileError when the file cannot be written.
    """

    type: ClassVar[str] = "jsonl"

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path) if path is not None else None
        self._begun: float | None = None

    def on_start(self, solver: Solver) -> None:
        if self._begun is not None:
            return
        from ... import __version__

        self.path = self.path or metrics_path(solver)
        self._begun = time.monotonic()
        if solver.iteration == 0:
            self._open("w")
        else:
            self._mend(self.path)
        self._write(
            "start", iteration=solver.iteration, net=solver.net.name, solver=str(solver.source or ""),
            type=solver.param.type, max_iter=solver.param.max_iter, seed=solver.seed,
            engine=solver.engine.name, cortado=__version__,
        )  # fmt: skip

    def on_display(self, solver: Solver, metrics: TrainMetrics) -> None:
        self._write(
            "train", iteration=metrics.iteration, loss=metrics.loss, smoothed=metrics.smoothed, lr=metrics.rate,
            outputs=_by_name(metrics.outputs),
        )  # fmt: skip

    def on_test(self, solver: Solver, result: TestResult) -> None:
        self._write(
            "test", iteration=result.iteration, net=result.net, batches=result.batches, loss=result.loss,
            outputs=_by_name(result.outputs),
        )  # fmt: skip

    def on_snapshot(self, solver: Solver, weights: Path, state: Path) -> None:
        self._write("snapshot", iteration=solver.iteration, weights=str(weights), state=str(state))

    def on_end(self, solver: Solver) -> None:
        self._write("end", iteration=solver.iteration, stopped=solver.stopped)

    def _write(self, event: str, **values: Any) -> None:
        seconds = round(time.monotonic() - (self._begun or time.monotonic()), 3)
        line = json.dumps({"event": event, "seconds": seconds} | {k: _finite(v) for k, v in values.items()})
        self._open("a", line + "\n")

    def _mend(self, path: Path) -> None:
        """Take away a line that was cut short when the run was killed, or its disk full."""
        with suppress(OSError), open(path, "r+b") as file:
            file.seek(max(0, file.seek(0, 2) - LONGEST))
            start, rest = file.tell(), file.read()
            if b"\n" in rest or not start:
                file.truncate(start + rest.rfind(b"\n") + 1)

    def _open(self, mode: str, text: str = "") -> None:
        try:
            with open(self.path or "", mode, encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            rule = f"the metrics of the run cannot be written: {error.strerror}"
            raise FileError(rule, where=str(self.path)) from None


def metrics_path(solver: Solver) -> Path:
    """Where the metrics of *solver* go by default."""
    prefix = solver.param.snapshot_prefix or (Path(solver.source).stem if solver.source else "run")
    return Path(f"{prefix}{SUFFIX}")


def _by_name(rows: tuple[tuple[str, float, float], ...]) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for name, value, _ in rows:
        found.setdefault(name, []).append(_finite(float(value)))
    return found


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [JsonLines]
