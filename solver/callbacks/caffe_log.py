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
    "mode": "caffe.cpp:197",
    "resume": "caffe.cpp:235",
    "start": "caffe.cpp:239",
    "done": "caffe.cpp:250",
    "parameters": "solver.cpp:45",
    "ready": "solver.cpp:57",
    "weights": "solver.cpp:72",
    "solve": "solver.cpp:289",
    "finish": "solver.cpp:327",
    "test": "solver.cpp:347",
    "snapshot": "solver.cpp:464",
    "clip": "sgd_solver.cpp:99",
    "state": "sgd_solver.cpp:284",
    "restore": "sgd_solver.cpp:336",
    "debug": "net.cpp:593",
}
"""The file and line of Caffe from which log parsers know a message, by its source."""
TEXTS = {
    "Learning Rate Policy": "solver.cpp:290",
    "Optimization stopped early": "solver.cpp:305",
    "Optimization Done": "solver.cpp:332",
    "    [Backward]": "net.cpp:621",
}
"""The same where one source has several messages, by their first words."""
NORMS = "    [Backward] All net params"
STEPPING = {"multistep": "MultiStep"}


class CaffeLog(Callback):
    """Writes one line per event, in the form ``I1121 10:02:37.610185  1000 solver.cpp:239] Iteration 5 …``.

    Parameters: *stream*, standard error by default.
    """

    type: ClassVar[str] = "caffe-log"
    root_only: ClassVar[bool] = True

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream
        self._since: tuple[float, int] | None = None
        self._step = 0

    def line(self, text: str, source: str, level: str = "I") -> None:
        """Write *text* as a line that comes from *source*, with the *level* of a note (``I``) or an error (``E``)."""
        stamp = datetime.now().strftime("%m%d %H:%M:%S.%f")
        print(f"{level}{stamp} {os.getpid():5d} {source}] {text}", file=self.stream or sys.stderr, flush=True)

    def on_message(self, solver: Solver, source: str, text: str) -> None:
        place = SOURCES.get(source, f"{source}:0")
        if source in ("solve", "debug"):
            place = next((there for start, there in TEXTS.items() if text.startswith(start)), place)
        self.line(text, place, "E" if text.startswith(NORMS) else "I")

    def on_start(self, solver: Solver) -> None:
        self._since = (time.monotonic(), solver.iteration)
        self._step = solver.policy.current_step

    def on_gradients(self, solver: Solver) -> None:
        self._tell_step(solver)

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
        self._tell_step(solver)
        self.line(f"Iteration {metrics.iteration}, lr = {metrics.rate:g}", "sgd_solver.cpp:112")

    def _tell_step(self, solver: Solver) -> None:
        """A policy that counts steps has taken one for the iteration that is going on."""
        if solver.policy.current_step != self._step:
            self._step = solver.policy.current_step
            name = STEPPING.get(solver.policy.type, solver.policy.type.capitalize())
            self.line(f"{name} Status: Iteration {solver.iteration}, step = {self._step}", "sgd_solver.cpp:50")

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
