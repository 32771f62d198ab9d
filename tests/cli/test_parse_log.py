"""``cortado parse-log``: tables as Caffe's parse_log.py makes them, and JSON."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cortado.cli import program
from cortado.errors import FormatError

LOGS = Path(__file__).parents[1] / "reference" / "logs"
INDEX = json.loads((LOGS / "index.json").read_text())


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(program, ["parse-log", *(str(a) for a in args)])


def table(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_train_table(tmp_path: Path) -> None:
    assert run(LOGS / "train.log", tmp_path / "made").exit_code == 0
    rows = table(tmp_path / "made" / "train.log.train")
    assert list(rows[0]) == ["NumIters", "Seconds", "LearningRate", "aux_loss", "loss"]
    wanted = [row for row in INDEX["train.log"]["train"] if row["outputs"]]
    assert [int(row["NumIters"]) for row in rows] == [row["iteration"] for row in wanted]
    for row, want in zip(rows, wanted, strict=True):
        assert float(row["LearningRate"]) == want["lr"]
        assert [float(row["aux_loss"]), float(row["loss"])] == [o[2] for o in want["outputs"]]
    seconds = [float(row["Seconds"]) for row in rows]
    assert seconds == sorted(seconds)
    assert seconds[0] == pytest.approx(0.000316)  # from 'Solving LogNet' at 37.615487 to 37.615803


def test_test_table_numbers_the_values_of_an_output(tmp_path: Path) -> None:
    run(LOGS / "train.log", tmp_path)
    rows = table(tmp_path / "train.log.test")
    assert list(rows[0])[3:] == ["accuracy", "loss", "per_class[0]", "per_class[1]", "per_class[2]"]
    for row, want in zip(rows, INDEX["train.log"]["test"], strict=True):
        assert int(row["NumIters"]) == want["iteration"]
        assert [float(cell) for cell in list(row.values())[3:]] == [o[2] for o in want["outputs"]]
    assert [float(row["LearningRate"]) for row in rows] == [0.05, 0.05, 0.025, 0.0125]


def test_every_test_net_has_a_table(tmp_path: Path) -> None:
    log = tmp_path / "two.log"
    log.write_text(
        "Iteration 0, Testing net (#0)\n    Test net output #0: accuracy = 0.5\n"
        "Iteration 0, Testing net (#1)\n    Test net output #0: loss = nan (* 1 = nan loss)\n"
    )
    output = run(log, tmp_path, "--delimiter", ";", "--verbose").output
    assert "1 rows" in output
    assert "NumIters;Seconds;LearningRate;accuracy" in output
    assert table(tmp_path / "two.log.test", ";")[0]["accuracy"] == "0.5"
    assert table(tmp_path / "two.log.test1", ";")[0] == {
        "NumIters": "0", "Seconds": "", "LearningRate": "", "loss": "nan"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["train.log", "train_resume.log", "train_debug_info.log"])
def test_json(name: str) -> None:
    found = json.loads(run(LOGS / name, "--json").output)
    assert found["finished"] is True
    for row, want in zip(found["train"], INDEX[name]["train"], strict=True):
        assert (row["iteration"], row["loss"], row["rate"]) == (
            want["iteration"], want["smoothed_loss"], want.get("lr")
        )  # fmt: skip
        assert [o["value"] for o in row["outputs"]] == [o[2] for o in want["outputs"]]
        assert [o["loss_weight"] for o in row["outputs"]] == [o[3] for o in want["outputs"]]
    for row, want in zip(found["test"], INDEX[name]["test"], strict=True):
        assert (row["iteration"], row["net"], row["loss"]) == (want["iteration"], want["net"], want["test_loss"])
        assert [o["name"] for o in row["outputs"]] == [o[1] for o in want["outputs"]]


def test_json_has_no_nan(tmp_path: Path) -> None:
    log = tmp_path / "nan.log"
    log.write_text("Iteration 5, loss = nan\n    Train net output #0: loss = -inf\nIteration 5, lr = 0.1\n")
    row = json.loads(run(log, "--json").output, parse_constant=pytest.fail)["train"][0]
    assert (row["loss"], row["outputs"][0]["value"], row["rate"]) == (None, None, 0.1)


def test_another_file_is_refused(tmp_path: Path) -> None:
    result = run(LOGS / "net.prototxt", tmp_path / "made")
    assert isinstance(result.exception, FormatError)
    assert "net.prototxt" in str(result.exception)
    assert not (tmp_path / "made").exists()
