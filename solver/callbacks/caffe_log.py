"""caffe-log: the lines that Caffe prints while it trains, for people and for the scripts that parse them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TextIO

from ...plugins import hookimpl
from .base import Callback

if TYPE_CHECKING:
    from ..metrics import TestResult, TrainMetrics
    from ..solver import Solver

SOURCES = {
    "solve": "solver.cpp:289",
    "finish": "solver.cpp:327",
    "test": "solver.cpp:347",
    "snapshot": "solver.cpp:464",
    "state": "sgd_solver.cpp:284",
    "restore": "sgd_solver.cpp:318",
    "clip": "sgd_solver.cpp:99",
}
"""The file and line of Caffe that a line is known by to log parsers."""


class CaffeLog(Callback):
    """Writes one line per event, in the form ``I1121 10:02:37.610185  1000 solver.cpp:239] Iteration 5 …``.

    Parameters: *stream*, standard error by default.
    """

    type: ClassVar[str] = "caffe-log"

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream
        self._since: tuple[float, int] | None = None

    def line(self, text: str, source: str) -> None:
        """Write *text* as a line that comes from *source*."""
        stamp = datetime.now().strftime("%m%d %H:%M:%S.%f")
        print(f"I{stamp} {os.getpid():5d} {source}] {text}", file=self.stream or sys.stderr, flush=True)

    def on_message(self, solver: Solver, source: str, text: str) -> None:
        self.line(text, SOURCES.get(source, "solver.cpp:0"))

    def on_start(self, solver: Solver) -> None:
        self._since = (time.monotonic(), solver.iteration)

    def on_display(self, solver: Solver, metrics: TrainMetrics) -> None:
        now = time.monotonic()
        then, iteration = self._since or (now, metrics.iteration)
        seconds, done = now - then, metrics.iteration - iteration
        self._since = (now, metrics.iteration)
        speed = done / seconds if seconds > 0 else 0.0
        text = f"Iteration {metrics.iteration} ({speed:g} iter/s, {seconds:g}s/{solver.param.display} iters)"
        self.line(f"{text}, loss = {metrics.smoothed:g}", "solver.cpp:239")
        for row in _outputs(metrics.outputs):
            self.line(f"    Train net output {row}", "solver.cpp:258")
        self.line(f"Iteration {metrics.iteration}, lr = {metrics.rate:g}", "sgd_solver.cpp:112")

    def on_test(self, solver: Solver, result: TestResult) -> None:
        if solver.param.test_compute_loss:
            self.line(f"Test loss: {result.loss:g}", "solver.cpp:401")
        for row in _outputs(result.outputs):
            self.line(f"    Test net output {row}", "solver.cpp:414")

    def on_snapshot(self, solver: Solver, weights: Path, state: Path) -> None:
        """The lines about snapshots come as messages, before the files are written."""


def _outputs(rows: Iterable[tuple[str, float, float]]) -> Iterable[str]:
    for index, (name, value, weight) in enumerate(rows):
        loss = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
        yield f"#{index}: {name} = {value:g}{loss}"


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [CaffeLog]
