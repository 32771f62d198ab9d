"""``cortado summary``, ``draw``, ``gradcheck`` and ``deploy`` as programs."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from cortado.cli import program

ROOT = Path(__file__).parents[2]
DIGITS = str(ROOT / "examples" / "digits" / "net.prototxt")


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(program, [str(a) for a in args])


def test_summary() -> None:
    result = run("summary", DIGITS, "--phase", "TRAIN", "--shape", "data=64x1x8x8", "--shape", "label=64")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "Digits, phase TRAIN: 11 layers"
    row = next(line for line in lines if line.startswith("conv2 "))
    assert row.split() == ["conv2", "Convolution", "64x40x4x4", "40x20x3x3", "40", "7,240", "7,372,800", "160.0", "KiB"]
    assert "parameters     18,394" in lines


def test_summary_as_json() -> None:
    found = json.loads(run("summary", DIGITS, "--json").output)
    assert found["parameters"] == 18_394
    assert found["layers"][1]["weights"] == [[20, 1, 3, 3], [20]]


def test_draw(tmp_path: Path) -> None:
    for name in ("net.svg", "net.html"):
        result = run("draw", DIGITS, "-o", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert "Convolution 20, 3x3 pad 1" in (tmp_path / name).read_text()
    assert run("draw", DIGITS, "-o", "net.jpg").exit_code == 2


def test_gradcheck() -> None:
    result = run("gradcheck", DIGITS, "--samples", "1")
    assert result.exit_code == 0, result.output
    assert "18 blobs, 0 wrong" in result.output
    assert "8 blobs, 0 wrong" in result.output


def test_deploy_and_what_it_writes(tmp_path: Path) -> None:
    out, labels = tmp_path / "deploy.prototxt", tmp_path / "labels.txt"
    labels.write_text("zero\none\n")
    (tmp_path / "w.caffemodel").touch()
    result = run("deploy", DIGITS, "-o", out, "--weights", tmp_path / "w.caffemodel", "--labels", labels)
    assert result.exit_code == 0, result.output
    assert run("check", out).exit_code == 0
    stored = json.loads((tmp_path / "w.preprocessing.json").read_text())
    assert (stored["scale"], stored["channels"], stored["labels"]) == (0.0625, "GRAY", ["zero", "one"])


def test_weights_of_0_show_nothing_and_are_drawn(tmp_path: Path) -> None:
    deploy = tmp_path / "deploy.prototxt"
    run("deploy", DIGITS, "-o", deploy)
    result = run("gradcheck", deploy, "--samples", "1", "--only", "layers")
    assert result.exit_code == 0, result.output
    assert "its weights are drawn at random" in result.output
    errors = [float(line.split()[-2]) for line in result.output.splitlines() if line.endswith(" ok")]
    assert any(error > 0 for error in errors)
    assert "drawn at random" in run("jacobian", deploy, "ip2", "--items", "1").output
    assert "drawn at random" not in run("gradcheck", DIGITS, "--samples", "1", "--only", "layers").output


def test_names_that_are_not_there(tmp_path: Path) -> None:
    result = run("jacobian", DIGITS, "nothing")
    assert "there are data, label_data_1_split, conv1, relu1" in str(result.exception)
    assert "--plot writes .svg or .png" in run("diagnose", DIGITS, "--plot", "sweep.gif").output
