"""The lines of a run against those of BVLC Caffe's log of the same run, number by number and in order."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cortado
from cortado.cli import program
from cortado.solver.callbacks.caffe_log import CaffeLog

REFERENCE = Path(__file__).parents[1] / "reference" / "logs"
INDEX = json.loads((REFERENCE / "index.json").read_text())
PREFIX = re.compile(r"([IWE])\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ (\w+\.\w+):\d+\] (.*)")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\w)")
TIMING = re.compile(r" \(\S+ iter/s, \S+s/(\d+) iters\)")
OURS_ONLY = ("Restored iteration",)
CAFFES_ONLY = ("Ignoring source layer",)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in REFERENCE.iterdir():
        if path.suffix != ".log":
            shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*args: str) -> str:
    """The log of ``cortado train``."""
    result = CliRunner().invoke(program, ["train", "--log", "--engine", "reference", *args], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stderr


def stamped(text: str) -> list[tuple[str, str, str]]:
    """(level, file, text) of every line with a prefix, without the timing."""
    matches = (PREFIX.match(line) for line in text.splitlines())
    return [(m[1], m[2], TIMING.sub(r" (\1)", m[3].rstrip())) for m in matches if m]


def after_start(lines: list[tuple[str, str, str]], unique: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """What follows 'Starting Optimization', without what only one program says."""
    start = next(i for i, (_, _, text) in enumerate(lines) if text == "Starting Optimization")
    return [line for line in lines[start:] if not line[2].startswith(unique)]


def assert_alike(ours: list[tuple[str, str, str]], theirs: list[tuple[str, str, str]], rtol: float) -> None:
    assert [(level, NUMBER.sub("#", text)) for level, _, text in ours] == [
        (level, NUMBER.sub("#", text)) for level, _, text in theirs
    ]
    assert [place for _, place, _ in ours] == [place for _, place, _ in theirs]
    for (_, _, mine), (_, _, wanted) in zip(ours, theirs, strict=True):
        for a, b in zip(NUMBER.findall(mine), NUMBER.findall(wanted), strict=True):
            assert float(a) == pytest.approx(float(b), rel=rtol, abs=1e-5), f"{mine!r}, Caffe: {wanted!r}"


@pytest.mark.parametrize("name", ["train.log", "train_resume.log", "train_debug_info.log"])
def test_every_line_of_a_run(name: str, folder: Path) -> None:
    ours = stamped(train(*INDEX[name]["command"].split()[1:]))
    theirs = stamped((REFERENCE / name).read_text())
    assert_alike(after_start(ours, OURS_ONLY), after_start(theirs, CAFFES_ONLY), rtol=1e-3)


@pytest.mark.parametrize("name", ["train.log", "train_resume.log"])
def test_opening_lines(name: str, folder: Path) -> None:
    """What both say before they start, in the same order."""
    opening = ("Use CPU.", "Initializing solver", "Finetuning", "Solver scaffolding", "Resuming", "SGDSolver: rest")
    spoken = []
    for text in (train(*INDEX[name]["command"].split()[1:]), (REFERENCE / name).read_text()):
        lines = [line[2] for line in stamped(text) if line[2].startswith((*opening, "Starting Optimization"))]
        spoken.append(list(dict.fromkeys(lines)))  # Caffe says for each net from which weights it is filled
    assert spoken[0] == spoken[1]


class OldParser:
    """A reader of logs as people wrote them: a few regular expressions on the bare lines, written for this test."""

    def __init__(self, text: str) -> None:
        self.train: list[dict[str, Any]] = []
        self.test: list[dict[str, Any]] = []
        self.snapshots: list[str] = []
        self.done = text.count("Optimization Done.")
        for line in text.splitlines():
            self.take(line)

    def take(self, line: str) -> None:
        if m := re.search(r"Iteration (\d+)(?: \((\S+) iter/s, (\S+)s/(\d+) iters\))?, loss = (\S+)$", line):
            self.train.append({"iteration": int(m[1]), "smoothed_loss": float(m[5]), "outputs": []})
        elif m := re.search(r"Train net output #(\d+): (\S+) = (\S+)(?: \(\* (\S+) = (\S+) loss\))?$", line):
            self.train[-1]["outputs"].append([int(m[1]), m[2], *(float(g) for g in m.groups()[2:] if g)])
        elif m := re.search(r"Iteration (\d+), lr = (\S+)$", line):
            self.train[-1]["lr"] = float(m[2])
        elif m := re.search(r"Iteration (\d+), Testing net \(#(\d+)\)$", line):
            self.test.append({"iteration": int(m[1]), "net": int(m[2]), "outputs": []})
        elif m := re.search(r"Test net output #(\d+): (\S+) = (\S+)(?: \(\* (\S+) = (\S+) loss\))?$", line):
            self.test[-1]["outputs"].append([int(m[1]), m[2], *(float(g) for g in m.groups()[2:] if g)])
        elif m := re.search(r"Test loss: (\S+)$", line):
            self.test[-1]["test_loss"] = float(m[1])
        elif m := re.search(r"Snapshotting to binary proto file (\S+)$", line):
            self.snapshots.append(m[1])


def flat(rows: list[dict[str, Any]]) -> list[Any]:
    """Names and numbers of all rows in one list."""
    found: list[Any] = []
    for row in rows:
        found += [(key, row[key]) for key in sorted(row) if key != "outputs"]
        found += [(output[1], value) for output in row["outputs"] for value in (output[0], *output[2:])]
    return found


@pytest.mark.parametrize("name", ["train.log", "train_resume.log", "train_debug_info.log"])
def test_an_old_parser_reads_the_numbers(name: str, folder: Path) -> None:
    found = OldParser(train(*INDEX[name]["command"].split()[1:]))
    for ours, theirs in ((found.train, INDEX[name]["train"]), (found.test, INDEX[name]["test"])):
        assert [key for key, _ in flat(ours)] == [key for key, _ in flat(theirs)]
        for (key, a), (_, b) in zip(flat(ours), flat(theirs), strict=True):
            assert a == pytest.approx(b, rel=1e-3, abs=1e-5), key
    assert found.done == 2
    if name == "train.log":
        assert found.snapshots == ["lognet_iter_20.caffemodel", "lognet_iter_30.caffemodel"]


def test_scoring(folder: Path) -> None:
    args = INDEX["test.log"]["command"].split()[1:]
    result = CliRunner().invoke(program, ["test", "--engine", "reference", *args], catch_exceptions=False)
    wanted = [text for _, place, text in stamped((REFERENCE / "test.log").read_text()) if place == "caffe.cpp"]
    lines = result.output.splitlines()
    assert lines[1:3] == [
        "lognet_iter_30.caffemodel: 2 loaded, 1 ignored",
        "  ignored     aux  the net has no layer of this name",
    ]
    ours = [lines[0], *lines[3:]]
    as_lines = [[("", "", text) for text in texts] for texts in (ours, wanted)]
    assert_alike(as_lines[0], as_lines[1], rtol=1e-4)


def test_a_step_on_a_displayed_iteration_comes_before_the_rate(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solver = cortado.Solver(
        "solver.prototxt", fields={"stepvalue": [2], "max_iter": 3, "display": 2, "snapshot": 0}, callbacks=[CaffeLog()]
    )
    solver.step(3)
    texts = [text for _, _, text in stamped(capsys.readouterr().err)]
    at = texts.index("MultiStep Status: Iteration 2, step = 1")
    assert texts[at - 1].startswith("    Train net output #1")
    assert texts[at + 1] == "Iteration 2, lr = 0.025"


class Listener(cortado.solver.Callback):
    """Keeps the debug lines."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_message(self, solver: cortado.Solver, source: str, text: str) -> None:
        if source == "debug":
            self.told.append(text)

    def count(self, start: str) -> int:
        return sum(text.startswith(f"    {start}") for text in self.told)


@pytest.mark.parametrize(("display", "iterations", "backwards", "forwards"), [(3, 7, 3, 3), (3, 6, 2, 2), (1, 2, 2, 3)])
def test_debug_lines_only_while_displayed(
    display: int, iterations: int, backwards: int, forwards: int, folder: Path
) -> None:
    """As in Caffe, the forward after the last iteration tells what that iteration told."""
    listener = Listener()
    fields = {"display": display, "max_iter": iterations}
    cortado.Solver("solver_debug.prototxt", fields=fields, callbacks=[listener]).solve()
    assert listener.count("[Backward] All net params") == backwards
    assert listener.count("[Forward] Layer data, top blob data") == forwards


def test_no_debug_lines_unless_asked_for(folder: Path) -> None:
    listener = Listener()
    solver = cortado.Solver("solver.prototxt", callbacks=[listener])
    solver.step(1)
    assert not listener.told
    assert not solver.net.debug_info.on


def test_a_net_tells_by_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "net.prototxt").read_text()
    (folder / "loud.prototxt").write_text("debug_info: true\n" + text.replace("lr_mult: 2", 'lr_mult: 2 name: "bias"'))
    net = cortado.Net("loud.prototxt", cortado.Phase.TRAIN)
    net.forward()
    assert "    [Forward] Layer conv1, param blob bias data: 0\n" in capsys.readouterr().err
    told: list[str] = []
    net.debug_info.start(told.append)
    net.forward()
    net.backward()
    assert capsys.readouterr().err == ""
    assert told[-1].startswith("    [Backward] All net params")
    net.debug_info.stop()
    assert not net.after_forward
    assert not net.after_backward
    assert not cortado.Solver("solver.prototxt", fields={"net": "loud.prototxt"}).net.debug_info.on
