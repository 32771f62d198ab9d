"""Log files: the numbers in the lines that Caffe, and ``CaffeLog``, print while they train.

The counterpart of ``callbacks/caffe_log.py``, which writes these lines. Logs of every age are read, with or without
their glog prefix, also several runs in one file; lines that say something else are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ..errors import FormatError
from ..proto import read_text

NUMBER = r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|nan|inf)"
PREFIX = re.compile(r"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d+) +\d+ [\w.-]+:\d+\] ?(.*)", re.DOTALL)
TRAIN = re.compile(rf"Iteration (\d+)(?: \([^)]*\))?, loss = ({NUMBER})", re.IGNORECASE)
RATE = re.compile(rf"Iteration (\d+), lr = ({NUMBER})", re.IGNORECASE)
TESTING = re.compile(r"Iteration (\d+), Testing net(?: \(#(\d+)\))?")
TEST_LOSS = re.compile(rf"Test loss: ({NUMBER})", re.IGNORECASE)
OUTPUT = re.compile(rf"(Train|Test) net output #\d+: (\S+) = ({NUMBER})(?: \(\* ({NUMBER}) = )?", re.IGNORECASE)
SCORE = re.compile(rf"Test score #(\d+): ({NUMBER})", re.IGNORECASE)
SNAPSHOT = re.compile(r"Snapshotting to (?:(?:binary proto|HDF5) file )?(\S+)")
LEAP_YEAR = 2000
"""Stands for the year that a prefix leaves out."""

Outputs = list[tuple[str, float, float]]
"""(name, value, loss weight) per element; the weight is 0 where the line names none."""


@dataclass
class TrainRow:
    """A displayed iteration: the smoothed ``loss``, the learning ``rate``, and the outputs of the train net."""

    iteration: int
    loss: float
    seconds: float | None = None
    rate: float | None = None
    outputs: Outputs = field(default_factory=list)


@dataclass
class TestRow:
    """A test of one net: its ``loss`` where ``test_compute_loss`` had it printed, and its mean outputs; ``rate`` is the
    learning rate displayed for its iteration, else the last one displayed before."""

    __test__ = False  # no class of tests, for pytest

    iteration: int
    net: int = 0
    seconds: float | None = None
    rate: float | None = None
    loss: float | None = None
    outputs: Outputs = field(default_factory=list)


@dataclass
class TrainingLog:
    """What a log tells: rows in the order of the file, the weight files written, whether the last run came to its end.

    ``seconds`` of a row count from the first ``Solving`` line, or from the first stamped line where there is none.
    """

    train: list[TrainRow] = field(default_factory=list)
    test: list[TestRow] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)
    finished: bool = False


def read_log(path: str | Path) -> TrainingLog:
    """The log in the file *path*. Errors: FileError; FormatError when there is no line of a training run in it."""
    log = parse_log(read_text(path).splitlines())
    if not (log.train or log.test):
        rule = "a training log has lines like 'Iteration 100, loss = 1.5'"
        raise FormatError(rule, where=str(path), got="none", hint="cortado train --log 2> train.log writes them")
    return log


def parse_log(lines: Iterable[str]) -> TrainingLog:
    """The log in *lines*."""
    reader = _Reader()
    for line in lines:
        reader.take(line)
    return reader.log


class _Reader:
    """Takes lines one by one; remembers which row the following lines belong to."""

    def __init__(self) -> None:
        self.log = TrainingLog()
        self._clock = _Clock()
        self._rates: dict[int, float] = {}
        self._last_rate: float | None = None
        self._unrated: list[TestRow] = []

    def take(self, line: str) -> None:
        seconds, text = self._clock.split(line)
        for pattern, method in (
            (OUTPUT, self._output),
            (TRAIN, self._train),
            (RATE, self._rate),
            (TESTING, self._testing),
            (TEST_LOSS, self._test_loss),
            (SCORE, self._score),
            (SNAPSHOT, self._snapshot),
        ):
            if match := pattern.search(text):
                method(match, seconds)
                return
        if "Solving " in text:
            self.log.finished = False
            self._unrated = []
        elif "Optimization Done" in text:
            self.log.finished = True

    def _train(self, match: re.Match[str], seconds: float | None) -> None:
        row = TrainRow(int(match[1]), float(match[2]), seconds)
        row.rate = self._rates.pop(row.iteration, None)
        self.log.train.append(row)

    def _rate(self, match: re.Match[str], seconds: float | None) -> None:
        """Printed after the loss today, before it in 2014."""
        iteration, rate = int(match[1]), float(match[2])
        last = self.log.train[-1] if self.log.train else None
        if last is not None and last.iteration == iteration and last.rate is None:
            last.rate = rate
        else:
            self._rates = {iteration: rate}
        for test in self._unrated:
            if test.iteration == iteration or test.rate is None:
                test.rate = rate
        self._unrated, self._last_rate = [], rate

    def _testing(self, match: re.Match[str], seconds: float | None) -> None:
        row = TestRow(int(match[1]), int(match[2] or 0), seconds, self._last_rate)
        self.log.test.append(row)
        self._unrated.append(row)

    def _test_loss(self, match: re.Match[str], seconds: float | None) -> None:
        if self.log.test:
            self.log.test[-1].loss = float(match[1])

    def _output(self, match: re.Match[str], seconds: float | None) -> None:
        rows: list[TrainRow] | list[TestRow] = self.log.train if match[1].lower() == "train" else self.log.test
        if rows:
            rows[-1].outputs.append((match[2], float(match[3]), float(match[4] or 0)))

    def _score(self, match: re.Match[str], seconds: float | None) -> None:
        """The form of 2013, in which outputs had no names."""
        if self.log.test:
            self.log.test[-1].outputs.append((f"score_{match[1]}", float(match[2]), 0.0))

    def _snapshot(self, match: re.Match[str], seconds: float | None) -> None:
        self.log.snapshots.append(match[1])


class _Clock:
    """Turns the stamps of lines into seconds; a month that goes back is a new year."""

    def __init__(self) -> None:
        self._start: datetime | None = None
        self._solving = False
        self._year, self._month = LEAP_YEAR, 0

    def split(self, line: str) -> tuple[float | None, str]:
        """The seconds since the start, and the line without its prefix."""
        match = PREFIX.match(line)
        if match is None:
            return None, line
        moment = self._moment(match)
        if moment is None:
            return None, match[5]
        if self._start is None or (not self._solving and "Solving " in match[5]):
            self._solving = "Solving " in match[5]
            self._start = moment
        return (moment - self._start).total_seconds(), match[5]

    def _moment(self, match: re.Match[str]) -> datetime | None:
        month = int(match[2])
        if month < self._month:
            self._year += 1
        self._month = month
        try:
            return datetime.fromisoformat(f"{match[1] or self._year}-{match[2]}-{match[3]} {match[4]}")
        except ValueError:  # the 29th of February of an unknown year, or digits that only look like a stamp
            return None
