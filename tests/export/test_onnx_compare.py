"""What a comparison with ONNX Runtime proves, and what it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cortado.cli import program
from cortado.errors import NumericsError
from cortado.export.compare import Difference
from cortado.export.to_onnx import OnnxExport, export_onnx
from cortado.netdef import Net
from cortado.proto import parse_net

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }\n'
IP = """layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""


def export(text: str, tmp_path: Path, value: float | None = None, **options: str) -> OnnxExport:
    message = parse_net(INPUT + text, "n").message
    net = Net(message, seed=1)
    if value is not None:
        net.params["ip"][0].data[...] = value
    net.save(tmp_path / "w.caffemodel")
    return export_onnx(message, tmp_path / "w.caffemodel", **options)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_agrees_with_nan_and_proves_nothing(value: float, tmp_path: Path) -> None:
    with pytest.raises(NumericsError, match=r"'y' must have numbers to compare; got 8 values that are NaN or inf"):
        export(IP, tmp_path, value)


def test_some_values_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    made = export('layer { name: "log" type: "Log" bottom: "x" top: "y" }', tmp_path)
    bare = int((~np.isfinite(made.net.blobs["y"].data)).sum())
    assert 0 < bare < 6
    assert made.differences["y"].bare == bare
    assert made.notes == [f"'y': {bare} of 6 values are NaN or infinite on both sides, and show nothing"]


def test_equal_values_are_told(tmp_path: Path) -> None:
    assert export(IP, tmp_path, 0.0).notes == ["'y': all values are equal, which shows little"]
    assert export(IP, tmp_path).notes == []


def test_a_number_for_nan_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def runtime(model: object, inputs: dict[str, np.ndarray], more: object) -> dict[str, np.ndarray]:
        return {"y": np.log(np.abs(inputs["x"]))}

    monkeypatch.setattr("cortado.export.compare.run_onnx", runtime)
    with pytest.raises(NumericsError, match=r"within 0\.0001 in 'y'; got nan"):
        export('layer { name: "log" type: "Log" bottom: "x" top: "y" }', tmp_path)


def test_in_which_units_a_difference_is_judged() -> None:
    small, large = Difference(3e-5, 0.1, 0.2, 9), Difference(3e-3, 100.0, 200.0, 9)
    assert (small.judged, small.relative) == (3e-5, pytest.approx(3e-4))
    assert large.judged == large.relative == 3e-5
    assert small.doubt is None
    assert Difference(0.0, 0.0, 0.0, 9).relative == 0


def test_the_engine_that_compared_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert export(IP, tmp_path, engine="reference").net.engine.name == "reference"
    Path("n.prototxt").write_text(INPUT + IP)
    words = ["export", "onnx", "n.prototxt", "w.caffemodel", "-o", "n.onnx", "--engine", "reference"]
    assert "ONNX Runtime agrees with the reference engine" in CliRunner().invoke(program, words).output


def test_a_shape_that_only_data_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = 'layer { name: "x" type: "Data" top: "x" top: "label" data_param { source: "gone" batch_size: 4 } }\n'
    Path("n.prototxt").write_text(data + IP)
    Net(parse_net(INPUT + IP, "n").message, seed=1).save("w.caffemodel")
    words = ["export", "onnx", "n.prototxt", "w.caffemodel", "-o", "n.onnx", "--batch", "2"]
    assert "give it: --shape x=" in str(CliRunner().invoke(program, words).exception)
    assert "inputs x 2x3" in CliRunner().invoke(program, [*words, "--shape", "x=4x3"]).output
