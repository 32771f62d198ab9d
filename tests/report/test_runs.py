"""Runs read from logs and from JSONL metrics; the callbacks that write them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from cortado import Solver
from cortado.errors import FileError, FormatError
from cortado.plugins import plugin_manager
from cortado.proto import parse_solver
from cortado.report.runs import read_run
from cortado.solver.callbacks import tensorboard
from cortado.solver.callbacks.jsonl import JsonLines
from cortado.solver.callbacks.tensorboard import TensorBoard
from cortado.solver.metrics import TrainMetrics

LOGS = Path(__file__).parents[1] / "reference" / "logs"
SOLVER = """net_param { name: "tiny"
  layer { name: "d" type: "DummyData" top: "x" top: "t" dummy_data_param {
          shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 }
          data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2
          weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "loss" } }
base_lr: 0.1 lr_policy: "step" stepsize: 4 gamma: 0.5 max_iter: 8 display: 2 test_iter: 2 test_interval: 4
average_loss: 2 random_seed: 1 snapshot_prefix: "%s" """


def solver(prefix: Path, *callbacks: object) -> Solver:
    return Solver(parse_solver(SOLVER % prefix, "solver.prototxt", plugin_manager().schema()), callbacks=callbacks)


def test_jsonl(tmp_path: Path) -> None:
    one = solver(tmp_path / "run", JsonLines())
    one.solve()
    path = tmp_path / "run.metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["event"] for row in rows] == ["start", "test", "train", "train", "test", "train", "train", "end",
                                              "snapshot", "test"]  # fmt: skip
    assert [row["iteration"] for row in rows if row["event"] == "train"] == [0, 2, 4, 6]
    assert rows[0]["net"] == "tiny"
    assert rows[0]["seed"] == 1
    run = read_run(path)
    assert run.name == "run"
    assert run.series["lr"] == [(0, pytest.approx(0.1)), (2, pytest.approx(0.1)), (4, pytest.approx(0.05)),
                                (6, pytest.approx(0.05))]  # fmt: skip
    assert [i for i, _ in run.series["test loss"]] == [0, 4, 8]
    assert run.facts["weights"].endswith("run_iter_8.caffemodel")


def test_jsonl_goes_on_and_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    first = solver(tmp_path / "run", JsonLines(path))
    first.step(4)
    first.snapshot()
    count = len(path.read_text().splitlines())
    second = solver(tmp_path / "run", JsonLines(path))
    second.restore(tmp_path / "run_iter_4.solverstate")
    second.step(4)
    assert [i for i, _ in read_run(path).series["loss"]] == [0, 2, 4, 6]
    solver(tmp_path / "run", JsonLines(path)).step(4)
    assert len(path.read_text().splitlines()) == count - 1


def test_numbers_that_json_lacks(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    writer = JsonLines(path)
    one = solver(tmp_path / "run", writer)
    writer.on_start(one)
    writer.on_display(one, TrainMetrics(0, math.nan, math.inf, 0.1, (("loss", math.nan, 1.0),)))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["loss"] for row in rows if row["event"] == "train"] == [None]
    assert list(read_run(path).series) == ["lr"]


def test_jsonl_goes_on_behind_its_last_whole_line(tmp_path: Path) -> None:
    """A run that was killed while it wrote has left half a line."""
    path = tmp_path / "m.jsonl"
    one = solver(tmp_path / "run", JsonLines(path))
    one.step(4)
    state = one.snapshot()
    whole = path.read_text()
    for rest in ('{"event": "train", "ite', ""):
        path.write_text(whole + rest)
        two = solver(tmp_path / "run", JsonLines(path))
        two.restore(state)
        two.step(4)
        assert path.read_text().startswith(whole + '{"event": "start"')
        assert [i for i, _ in read_run(path).series["loss"]] == [0, 2, 4, 6]


def test_jsonl_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        solver(tmp_path / "run", JsonLines(tmp_path / "none" / "m.jsonl")).step(1)


def test_a_line_cut_off_at_the_end_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    solver(tmp_path / "run", JsonLines(path)).step(4)
    text = path.read_text()
    path.write_text(text + '{"event": "tra')
    assert len(read_run(path).series["loss"]) == 2
    path.write_text('{"event": 3\n' + text)
    with pytest.raises(FormatError, match=r"m\.jsonl:1"):
        read_run(path)


def test_tensorboard(tmp_path: Path) -> None:
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    solver(tmp_path / "run", TensorBoard()).step(5)
    (file,) = (tmp_path / "run_tensorboard").iterdir()
    found: dict[str, list[int]] = {}
    for event in loader.RawEventFileLoader(str(file)).Load():
        from tensorboard.compat.proto.event_pb2 import Event

        made = Event.FromString(event)
        for value in made.summary.value:
            found.setdefault(value.tag, []).append(made.step)
    assert found["learning rate"] == [0, 2, 4]
    assert found["test/loss"] == [0, 4]


class FullDisk:
    """In the place of TensorBoard's writer: it says the same again when it is closed."""

    def __init__(self, folder: str) -> None:
        assert folder

    def add_event(self, event: object) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        raise OSError(28, "closed as well")


class Summary:
    Value = dict

    def __init__(self, value: list[dict[str, object]]) -> None:
        assert value


def test_tensorboard_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard, "_package", lambda: (FullDisk, dict, Summary))
    rule = "run_tensorboard: cannot write this folder of events: No space left on device"
    with pytest.raises(FileError, match=rule):
        solver(tmp_path / "run", TensorBoard()).step(5)


def test_log_of_caffe() -> None:
    run = read_run(LOGS / "train.log")
    assert run.name == "train"
    assert run.series["loss"]
    assert run.series["lr"]
    assert any(name.startswith("test ") for name in run.series)
