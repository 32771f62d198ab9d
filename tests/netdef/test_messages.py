"""What is said of nets, images and files that do not fit, where no other test asks for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.errors import DataError, FormatError, MissingExtraError, NetError, ParameterError, ShapeError
from cortado.layers import Blob
from cortado.layers.formula import symbolic
from cortado.netdef import Net
from cortado.netdef.formats import safetensors
from cortado.netdef.png import to_png
from cortado.netdef.prepare import Preparation, read_mean_file
from cortado.netdef.preprocessing import Preprocessing
from cortado.netdef.spec import layers
from cortado.netdef.weight_files import import_h5py

INPUT = 'layer { name: "in" type: "Input" top: "a" input_param { shape { dim: 2 dim: 3 } } }\n'


def build(folder: Path, text: str, **named: Any) -> Net:
    (folder / "net.prototxt").write_text(text)
    return Net(folder / "net.prototxt", **{"engine": "reference", **named})


# -- nets --------------------------------------------------------------------------------------------------------


def test_phases_by_name(tmp_path: Path) -> None:
    assert build(tmp_path, INPUT, phase="TRAIN").phase == 0
    for phase in ("TESTING", 2):
        with pytest.raises(ParameterError, match=rf"^a phase is TRAIN \(0\) or TEST \(1\); got {phase!r}$"):
            build(tmp_path, INPUT, phase=phase)


def test_inputs_that_are_no_numbers(tmp_path: Path) -> None:
    net = build(tmp_path, INPUT)
    with pytest.raises(NetError, match="'a' of net '' must be an array of numbers; got str: could not convert"):
        net(a="hello")
    assert net.blobs["a"].shape == (2, 3)


def test_blobs_behind_splits_are_told_by_the_name_in_the_file(tmp_path: Path) -> None:
    text = INPUT + 'layer { name: "s" type: "SoftmaxWithLoss" bottom: "a" bottom: "a" top: "s" }'
    with pytest.raises(ShapeError, match=r"got 'a' 2x3, 'a' 2x3$"):
        build(tmp_path, text)


def test_as_many_tops_as_bottoms(tmp_path: Path) -> None:
    text = INPUT + 'layer { name: "c" type: "Convolution" bottom: "a" top: "b" top: "c" }'
    wanted = r"net.prototxt:2.*layer 'c' \(Convolution\): there must be as many tops as bottoms; got 1 bottoms, 2 tops"
    with pytest.raises(NetError, match=wanted):
        build(tmp_path, text)


def test_a_layer_for_which_there_is_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cortado.layers.relu import ReLU

    def reshape(*_: Any) -> None:
        raise MemoryError("9 GiB")

    monkeypatch.setattr(ReLU, "reshape", reshape)
    text = INPUT + 'layer { name: "r" type: "ReLU" bottom: "a" top: "b" }'
    wanted = r"net\.prototxt:2.*layer 'r' \(ReLU\): the blobs are too large for this machine: 9 GiB"
    with pytest.raises(ShapeError, match=wanted):
        build(tmp_path, text)


def test_memory_that_does_not_fit_a_blob() -> None:
    blob = Blob((2, 3), name="x")
    with pytest.raises(ShapeError, match="blob 'x' needs 6 float32 for its values"):
        blob.place_data(np.zeros(5, np.float32))
    with pytest.raises(ShapeError, match="blob 'x' needs 6 float32 for its gradient"):
        blob.place_diff(np.zeros(6))


def test_fields_that_python_sets() -> None:
    with pytest.raises(ParameterError, match=r"ConvolutionParameter has no field 'num_outputs' \(did you mean 'num_o"):
        layers.Convolution(layers.Input(), convolution_param={"num_outputs": 1}).to_proto()


def test_the_derivative_of_what_the_grammar_has_not() -> None:
    box = symbolic._boxes()
    with pytest.raises(ParameterError, match="the formula must have a derivative; got a part of it is 'gamma"):
        symbolic._to_node(box["sympy"].gamma(box["sympy"].Symbol("x")), box)
    with pytest.raises(ParameterError, match="the numbers of a formula's derivative must be finite"):
        symbolic._number(box["sympy"].zoo)


def test_a_derivative_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    from cortado.layers.formula.grammar import parse

    monkeypatch.setattr(symbolic, "SIZE", 3)
    symbolic.derivative.cache_clear()
    with pytest.raises(ParameterError, match="the derivative by 'x' may have at most 3 operations; got"):
        symbolic.derivative(parse("x ^ 3 + exp(x) * x", ["x"]), "x")
    symbolic.derivative.cache_clear()


# -- images ------------------------------------------------------------------------------------------------------


def test_preparations_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"images go into an input of four axes; got shape \(1, 3\)"):
        Preparation(Preprocessing(), (1, 3))
    np.save(tmp_path / "mean.npy", np.zeros((3, 5, 5)))
    with pytest.raises(ParameterError, match=r"the mean must be of the images' size \(4, 4\); got \(3, 5, 5\)"):
        Preparation(Preprocessing(mean_file="mean.npy"), (1, 3, 4, 4), tmp_path)
    ready = Preparation(Preprocessing(), (1, 3, 4, 4))
    with pytest.raises(DataError, match="an image has the channels of the input; got 1 for 3"):
        ready.apply(np.zeros((4, 4, 1), np.uint8))
    ready.size = (2, 2)
    with pytest.raises(DataError, match="images must be at least 4x4 before they are cropped; got 2x2"):
        ready.apply(np.zeros((2, 2, 3), np.uint8))


def test_files_of_means(tmp_path: Path) -> None:
    path = tmp_path / "mean.npy"
    path.write_bytes(b"words")
    with pytest.raises(FormatError, match=f"{path}: a .npy file holds one array: "):
        read_mean_file(path)
    np.save(path, np.zeros((2, 2)))
    with pytest.raises(FormatError, match=rf"{path}: a mean is C numbers, or C x H x W; got \(2, 2\)"):
        read_mean_file(path)


def test_files_of_preprocessing(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text("{")
    with pytest.raises(FormatError, match=f"{path}: a preprocessing file is a JSON object; got Expecting"):
        Preprocessing.load(path)
    path.write_text(json.dumps({"size": 3}))
    with pytest.raises(FormatError, match=f"{path}: a preprocessing file is a JSON object with resize, .*got 'size'"):
        Preprocessing.load(path)


# -- packages that are not there ---------------------------------------------------------------------------------


def export() -> None:
    from cortado.export.graph import onnx_module

    onnx_module()


def compare() -> None:
    from cortado.export.compare import run_onnx

    run_onnx(None, {})


def events() -> None:
    from cortado.solver.callbacks.tensorboard import _package

    _package()


def ranks() -> None:
    from cortado.solver.parallel.mpi import Mpi

    Mpi()


@pytest.mark.parametrize(
    ("package", "use", "text"),
    [
        ("safetensors", safetensors._module, "reading and writing .safetensors needs the package safetensors"),
        (
            "resvg_py",
            lambda: to_png("<svg/>"),
            "drawing a PNG needs the package resvg_py (pip install 'cortado[draw]')",
        ),
        (
            "h5py",
            lambda: import_h5py("reading rows"),
            "reading rows needs the package h5py (pip install 'cortado[hdf5]')",
        ),
        ("onnx", export, "writing an ONNX file needs the package onnx (pip install 'cortado[onnx]')"),
        (
            "onnxruntime",
            compare,
            "comparing with ONNX Runtime (which may be switched off) needs the package onnxruntime",
        ),
        ("tensorboard", events, "writing TensorBoard events needs the package tensorboard"),
        ("mpi4py", ranks, "training on several ranks needs mpi4py and MPI: "),
    ],
)
def test_missing_packages(monkeypatch: pytest.MonkeyPatch, package: str, use: Any, text: str) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError) as caught:
        use()
    assert str(caught.value).startswith(text)
    assert "pip install" in str(caught.value)


def test_a_jacobian_by_a_bottom_that_is_not_there(tmp_path: Path) -> None:
    from cortado.netdef.jacobian import jacobians

    net = build(tmp_path, INPUT + 'layer { name: "r" type: "ReLU" bottom: "a" top: "b" }', dtype=np.float64)
    with pytest.raises(NetError, match=r"layer 'r' \(ReLU\): there must be a bottom 3; got 1 bottoms"):
        jacobians(net.layers[-1], [np.ones((2, 3))], bottom=3)
