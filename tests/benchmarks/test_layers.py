"""The benchmarks' own parts: layers taken out of nets, Caffe's face as a contender, tables and pictures."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cortado import Net, Phase

ROOT = Path(__file__).parents[2]
LENET = ROOT / "examples" / "models" / "lenet.prototxt"
NETS = {"train": {"lenet": {"native": {"ms": 2.0, "peak": 50.0}, "pytorch": {"ms": 3.0, "peak": 300.0},
                            "caffe": {"ms": 20.0, "peak": 90.0}}}}  # fmt: skip


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``part("plots")``: a module of benchmarks/."""
    monkeypatch.syspath_prepend(str(ROOT))

    def load(name: str) -> ModuleType:
        return importlib.import_module(f"benchmarks.{name}")

    return load


def test_each_distinct_layer_becomes_a_net_of_its_own(part: Any, tmp_path: Path) -> None:
    cases = {case.name: case for case in part("layer_cases").layer_cases(str(LENET), "lenet")}
    assert list(cases) == ["conv1", "pool1", "conv2", "pool2", "ip1", "relu1", "ip2", "loss"]
    conv = cases["conv2"]
    assert (conv.kind, conv.words, conv.times) == ("Convolution", "64x20x12x12 to 50, 5x5", 1)
    assert conv.forward_operations == 2 * 64 * 50 * 8 * 8 * 20 * 25
    assert conv.backward_operations == 2 * conv.forward_operations
    assert cases["loss"].kind == "Softmax"
    path = tmp_path / "relu.prototxt"
    path.write_text(cases["relu1"].text)
    net = Net(path, Phase.TRAIN, engine="reference")
    assert net.steps[-1].propagate_down == (True,)
    assert net.steps[-1].bottom[0] is not net.steps[-1].top[0], "not in place"


def test_equal_layers_are_counted(part: Any) -> None:
    cases = part("layer_cases").layer_cases(str(ROOT / "examples" / "models" / "mobilenet.prototxt"), "mobilenet")
    depthwise = [case for case in cases if case.words == "4x512x14x14 to 512, 3x3 in 512 groups"]
    assert [case.times for case in depthwise] == [5]
    assert any(case.kind == "BatchNorm + Scale" for case in cases)


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_any_pycaffe_is_a_contender(part: Any, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORTADO_BENCH_CAFFE", "cortado.pycaffe")
    step, about = part("contenders.caffe").make(str(LENET), mode, 0)
    assert about.startswith("cortado.pycaffe")
    step()


def test_native_passes_of_a_layer_run_both_ways(part: Any, tmp_path: Path) -> None:
    pytest.importorskip("cortado.engines.native._kernels", exc_type=ImportError)
    cases = part("layer_cases").layer_cases(str(LENET), "lenet")
    path = tmp_path / "layer.prototxt"
    path.write_text(next(case.text for case in cases if case.name == "ip2"))
    passes = part("layer_contenders").make("native", str(path), 0)
    assert list(passes) == ["forward", "backward"]
    passes["forward"]()
    passes["backward"]()


def rows() -> list[dict[str, Any]]:
    times = {"forward": {"native": 1.0, "pytorch": 2.0, "opencv": 4.0}, "backward": {"native": 3.0, "pytorch": 2.0}}
    one = {"net": "lenet", "name": "conv1", "kind": "Convolution", "words": "64x1", "times": 1, "ms": times}
    alone = {**one, "name": "odd", "kind": "LRN", "ms": {"forward": {"native": 1.0}, "backward": {}}}
    return [one, alone]


def test_tables_of_layers(part: Any) -> None:
    layers = part("layers")
    assert layers.ratio({"native": 1.0, "a": 2.0, "b": 4.0}) == 0.5
    assert np.isnan(layers.ratio({"native": 1.0}))
    text = layers.table(rows(), False)
    assert "forward 0.50, largest 0.50; backward 1.50, largest 1.50" in text
    lines = layers.table(rows(), True).splitlines()
    assert len({line.count("|") for line in lines[:5]}) == 1


def test_figures_of_an_earlier_run_are_told_again(
    part: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nets.json"
    file.write_text(json.dumps(NETS))
    monkeypatch.setattr("sys.argv", ["nets.py", "--from", str(file)])
    part("nets").main()
    told = capsys.readouterr().out
    assert "ratio 0.67 | to Caffe 0.10" in told
    assert "geometric mean, to Caffe: 0.10" in told


@pytest.mark.parametrize(("name", "figures"), [("plot_nets", NETS), ("plot_layers", rows())])
def test_pictures(part: Any, name: str, figures: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.svg"
    getattr(part("plots"), name)(figures, path)
    text = path.read_text()
    assert "Cortado" in text
    assert text.rstrip().endswith("</svg>")
