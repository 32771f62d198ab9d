"""Runs: the numbers of a training run over its iterations, from a log of any Caffe or from JSONL metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FormatError
from ..proto import read_text
from ..solver.log_file import TrainingLog, read_log

Points = list[tuple[int, float]]


@dataclass
class Run:
    """A run: its ``name``; ``series`` of (iteration, value) by name: ``loss``, ``lr``, ``train NAME`` for outputs of
    the train net and ``test NAME`` (``test1 NAME`` …) for those of the test nets; ``facts`` from the start line."""

    name: str
    series: dict[str, Points] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, iteration: int, value: float | None) -> None:
        """One point; a value that is missing is left out."""
        if value is not None:
            self.series.setdefault(name, []).append((iteration, value))

    def last(self, name: str) -> float | None:
        """The last value of a series."""
        points = self.series.get(name)
        return points[-1][1] if points else None

    def named(self, word: str) -> list[str]:
        """The series whose name has *word* in it."""
        return [name for name in self.series if word in name.lower()]


def read_run(path: str | Path) -> Run:
    """The run in *path*, JSONL metrics or a log. Errors: FileError; FormatError where no line is of a run."""
    text = read_text(path)
    first = text.lstrip()[:1]
    name = Path(path).name.removesuffix(".log").removesuffix(".metrics.jsonl").removesuffix(".jsonl")
    return _of_lines(name, text, str(path)) if first == "{" else _of_log(name, read_log(path))


def _of_log(name: str, log: TrainingLog) -> Run:
    run = Run(name)
    for row in log.train:
        run.add("loss", row.iteration, row.loss)
        run.add("lr", row.iteration, row.rate)
        _add_outputs(run, "train", row.iteration, [(n, v) for n, v, _ in row.outputs])
    for test in log.test:
        place = f"test{test.net or ''}"
        if test.loss is not None:
            run.add(f"{place} loss", test.iteration, test.loss)
        rows = [(n, v) for n, v, _ in test.outputs if not (n == "loss" and test.loss is not None)]
        _add_outputs(run, place, test.iteration, rows)
    return run


def _add_outputs(run: Run, place: str, iteration: int, rows: list[tuple[str, float]]) -> None:
    seen: dict[str, int] = {}
    for name, value in rows:
        number = seen[name] = seen.get(name, -1) + 1
        run.add(f"{place} {name}" + (f"[{number}]" if number else ""), iteration, value)


def _of_lines(name: str, text: str, file: str) -> Run:
    run = Run(name)
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            _take(run, row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if number == len(text.splitlines()):  # a run that was killed while it wrote
                break
            rule = "a line of metrics is a JSON object with an event, as the callback jsonl writes"
            raise FormatError(rule, where=f"{file}:{number}", got=str(error)) from None
    return run


def _take(run: Run, row: dict[str, Any]) -> None:
    event = row["event"]
    if event == "start":
        if row["iteration"] == 0:
            run.series.clear()
        run.facts = row
    elif event in ("train", "test"):
        iteration = int(row["iteration"])
        place = "train" if event == "train" else f"test{row['net'] or ''}"
        if event == "train":
            run.add("loss", iteration, row["smoothed"])
            run.add("lr", iteration, row["lr"])
        else:
            run.add(f"{place} loss", iteration, row["loss"])
        rows = [(n, v) for n, values in row["outputs"].items() for v in values]
        if event == "test":
            rows = [(n, v) for n, v in rows if n != "loss"]
        _add_outputs(run, place, iteration, rows)
    elif event == "snapshot":
        run.facts = run.facts | {"weights": row["weights"], "state": row["state"]}
