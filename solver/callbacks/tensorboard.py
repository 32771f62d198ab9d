"""tensorboard: the metrics of a run as events that TensorBoard shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import FileError, MissingExtraError
from ...plugins import hookimpl
from ...proto.files import named
from .base import Callback

if TYPE_CHECKING:
    from ..metrics import TestResult, TrainMetrics
    from ..solver import Solver

Rows = tuple[tuple[str, float, float], ...]


class TensorBoard(Callback):
    """Writes loss, learning rate and outputs of displayed iterations, and the outputs of tests, as scalars.

    Parameters: *folder*, by default the solver's ``snapshot_prefix`` with ``_tensorboard``. Look at it with
    ``tensorboard --logdir FOLDER``. Errors: MissingExtraError without the package tensorboard; FileError where it
    cannot write.
    """

    type: ClassVar[str] = "tensorboard"

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = folder
        self._writer: Any = None

    def on_start(self, solver: Solver) -> None:
        if self._writer is None:
            writer = _package()[0]
            self.folder = self.folder or f"{solver.param.snapshot_prefix or 'run'}_tensorboard"
            with self._writing():
                self._writer = writer(str(self.folder))

    def on_display(self, solver: Solver, metrics: TrainMetrics) -> None:
        values = {"loss": metrics.loss, "loss (smoothed)": metrics.smoothed, "learning rate": metrics.rate}
        self._add(metrics.iteration, values | _scalars("train", metrics.outputs))

    def on_test(self, solver: Solver, result: TestResult) -> None:
        place = f"test{result.net or ''}"
        self._add(result.iteration, {f"{place}/loss": result.loss} | _scalars(place, result.outputs))

    def on_end(self, solver: Solver) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with self._writing():
                writer.close()

    def _add(self, iteration: int, values: dict[str, float]) -> None:
        if self._writer is None:
            return
        _, event, summary = _package()
        rows = [summary.Value(tag=tag, simple_value=float(value)) for tag, value in values.items()]
        with self._writing():
            self._writer.add_event(event(step=iteration, wall_time=time.time(), summary=summary(value=rows)))
            self._writer.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Name the folder, and close nothing that has failed once: the package would raise the same again."""
        try:
            with named("write", str(self.folder), "folder of events"):
                yield
        except FileError:
            self._writer = None
            raise


def _package() -> tuple[Any, Any, Any]:
    """The writer, and the messages Event and Summary."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        need = "writing TensorBoard events"
        raise MissingExtraError.for_package("tensorboard", "tensorboard", need) from None
    return EventFileWriter, Event, Summary


def _scalars(place: str, outputs: Rows) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value, _ in outputs:
        tag, number = f"{place}/{name}", 0
        while tag in found:
            number += 1
            tag = f"{place}/{name}[{number}]"
        found[tag] = value
    return found


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [TensorBoard]
