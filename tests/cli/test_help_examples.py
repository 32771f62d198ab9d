"""The example at the end of every command's help is run as it stands there, in a folder with the files it names."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pytest
from click.testing import CliRunner

from cortado.cli import program
from cortado.data import datum_to_array, images, open_source, parse_datum
from cortado.proto import caffe_pb2, parse_net, write_binary

for package in ("lmdb", "onnx", "onnxruntime", "safetensors", "sympy"):
    pytest.importorskip(package)
ROOT = Path(__file__).parents[2]
OLD_NET = """
input: "data" input_dim: 1 input_dim: 3 input_dim: 2 input_dim: 2
layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
"""
OLD_SOLVER = 'net: "old.prototxt" base_lr: 0.1 lr_policy: "fixed" solver_type: NESTEROV momentum: 0.9\n'


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of the program, of each command and of each command beneath one."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def example(path: tuple[str, ...]) -> list[str]:
    """The words of the example in the help of a command, which may be broken over lines."""
    text = CliRunner().invoke(program, [*path, "--help"]).output
    before, found, line = text.partition("\n  Example: cortado ")
    assert found, f"the help of {' '.join(path)} has no example"
    assert before
    words = shlex.split(line)
    return [word.replace("~", os.environ["HOME"], 1) if word.startswith("~/") else word for word in words]


WRITES = {
    "compute-mean": "mean.binaryproto",
    "convert-imageset": "train_lmdb/data.mdb",
    "convert-mnist": "examples/mnist/mnist_test_lmdb/data.mdb",
    "convert-weights": "digits.safetensors",
    "deploy": "digits_deploy.prototxt",
    "draw": "digits.svg",
    "export": "digits.onnx",
    "export onnx": "digits.onnx",
    "extract-features": "ip2_db/data.mdb",
    "new-layer": "cortado-soft-bend/pyproject.toml",
    "parse-log": "plots/train.log.train",
    "pictures": "pictures.html",
    "plot": "curves.svg",
    "report": "report.html",
    "train": "examples/digits/digits_iter_300.caffemodel",
    "": "examples/digits/digits_iter_600.solverstate",
    "upgrade": "deploy.prototxt",
    "upgrade net": "new.prototxt",
    "upgrade solver": "solver.prototxt",
    "upgrade weights": "new.caffemodel",
    "upgrade-net-proto-binary": "new.caffemodel",
    "upgrade-net-proto-text": "new.prototxt",
    "upgrade-solver-proto-text": "solver.prototxt",
}
"""The file that an example makes, so that it is seen to be made."""
TELLS = {
    "check": "examples/digits/net.prototxt",
    "diagnose": "first loss: ",
    "formula": "beta",
    "gradcheck": "0 wrong",
    "jacobian": "prob",
    "layers": "Sigmoid",
    "plugins": "plugins",
    "plugins doctor": "",
    "plugins info": "Sigmoid",
    "plugins list": "[",
    "predict": "images/a.png",
    "summary": "Digits, phase",
    "test": "accuracy = 0.9",
    "time": "conv1",
}
"""What an example that makes no file prints."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all the files that examples name: what someone has who has run the examples of the README."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("pictures", "*_iter_*"))
    before = Path.cwd()
    os.chdir(folder)
    try:
        _train()
        _images()
        _old_files()
        _idx(folder / "mnist")
    finally:
        os.chdir(before)
    return folder


def _run(line: str) -> str:
    done = CliRunner().invoke(program, shlex.split(line), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def _train() -> None:
    solver = "examples/digits/solver.prototxt"
    log = _run(f"train {solver} --iterations 200 --callback jsonl --set snapshot_prefix=digits --log")
    Path("train.log").write_text(log)
    for copy in ("digits.caffemodel", "examples/digits/digits_iter_600.caffemodel"):
        shutil.copy("digits_iter_200.caffemodel", copy)
    _run("deploy examples/digits/net.prototxt -o deploy.prototxt --weights digits.caffemodel")


def _images() -> None:
    for folder in ("images", "photos"):
        Path(folder).mkdir()
    database = open_source("LMDB", "examples/digits/test_lmdb")
    pixels = datum_to_array(parse_datum(database.first().value, "first"))
    Path("images/a.png").write_bytes(images.encode(np.ascontiguousarray(pixels.transpose(1, 2, 0)), "png"))
    Path("photos/a.png").write_bytes(images.encode(np.full((30, 20, 3), 7, np.uint8), "png"))
    Path("train.txt").write_text("a.png 1\n")
    shutil.copytree("examples/digits/train_lmdb", "train_lmdb")


def _old_files() -> None:
    for name in ("old.prototxt", "deploy_2014.prototxt"):
        Path(name).write_text(OLD_NET)
    Path("old_solver.prototxt").write_text(OLD_SOLVER)
    weights = caffe_pb2.NetParameter()
    old = weights.layers.add(name="ip", type=caffe_pb2.V1LayerParameter.INNER_PRODUCT)
    old.blobs.add(num=1, channels=1, height=2, width=12, data=range(24))
    write_binary(weights, "old.caffemodel")


def _idx(folder: Path) -> None:
    folder.mkdir()
    for prefix in ("train", "t10k"):
        for what, array in (("images-idx3", np.zeros((2, 4, 3), np.uint8)), ("labels-idx1", np.zeros(2, np.uint8))):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
            (folder / f"{prefix}-{what}-ubyte").write_bytes(head + array.tobytes())


@pytest.mark.parametrize("path", [*commands(program)], ids=" ".join)
def test_the_example_runs(path: tuple[str, ...], filled: Path, tmp_path: Path, run: Run,
                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    folder = shutil.copytree(filled, tmp_path / "here")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    name = " ".join(path)
    made = folder / WRITES.get(name, "nothing")
    if made.name == "data.mdb":
        shutil.rmtree(made.parent, ignore_errors=True)
    made.unlink(missing_ok=True)
    done = run(*example(path))
    assert done.status == 0, done.err
    assert "Traceback" not in done.err
    if name in WRITES:
        assert made.stat().st_size > 0
    else:
        assert TELLS[name] in done.out


def test_old_files_are_old_and_are_changed(filled: Path, tmp_path: Path, run: Run,
                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """The examples of `upgrade` have something to do."""
    monkeypatch.chdir(shutil.copytree(filled, tmp_path / "here"))
    for kind in ("net", "solver", "weights"):
        done = run(*example(("upgrade", kind)))
        assert "nothing to change" not in done.out, kind
    assert [layer.type for layer in parse_net(Path("new.prototxt").read_text()).message.layer][-1] == "InnerProduct"
