"""``cortado upgrade``: old files in, what Caffe's own upgrade gives out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import cortado
from cortado.cli import program
from cortado.errors import FormatError
from cortado.netdef.weight_files import read_weight_file
from cortado.plugins import plugin_manager
from cortado.proto import Schema, parse_text

REFERENCE = Path(__file__).parents[1] / "reference"
OLD = sorted((REFERENCE / "upgrade").glob("*.in.prototxt"))


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(program, [str(a) for a in args])


def parse(path: Path, kind: str) -> Any:
    name = "SolverParameter" if kind == "solver" else "NetParameter"
    return parse_text(path.read_text(), Schema.default().message(name), str(path)).message


@pytest.mark.parametrize("old", OLD, ids=lambda path: path.name.split(".")[0])
def test_text_is_as_caffe_upgrades_it(old: Path, tmp_path: Path) -> None:
    kind = "solver" if old.name.startswith("solver") else "net"
    result = run("upgrade", kind, old, tmp_path / "new.prototxt")
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) >= 2
    wanted = parse(old.with_name(old.name.replace(".in.", ".out.")), kind)
    got = parse(tmp_path / "new.prototxt", kind)
    assert got == wanted


def test_new_files_need_nothing(tmp_path: Path) -> None:
    source = REFERENCE / "logs" / "net.prototxt"
    result = run("upgrade", "net", source, tmp_path / "new.prototxt")
    assert "nothing to change" in result.output
    assert parse(tmp_path / "new.prototxt", "net") == parse(source, "net")


@pytest.mark.parametrize("name", ["wnet_v0.caffemodel", "wnet_v1.caffemodel", "wnet.caffemodel"])
def test_weights(name: str, tmp_path: Path) -> None:
    source = REFERENCE / "weights" / name
    new = tmp_path / "new.caffemodel"
    result = run("upgrade", "weights", source, new)
    assert result.exit_code == 0, result.output
    assert ("nothing to change" in result.output) == (name == "wnet.caffemodel")
    message = Schema.default().message("NetParameter").FromString(new.read_bytes())
    assert len(message.layer)
    assert not len(message.layers)
    for before, after in zip(*(read_weight_file(path, plugin_manager()) for path in (source, new)), strict=True):
        assert before.name == after.name
        for index, blob in before.blobs.items():
            np.testing.assert_array_equal(blob.read(), after.blobs[index].read())
    net = cortado.Net(REFERENCE / "weights" / "wnet.prototxt")
    wanted = json.loads((REFERENCE / "weights" / "index.json").read_text())[name]["loaded_layers"]
    assert sorted(net.load(new).names("loaded", "reshaped")) == sorted(wanted)


def test_in_and_out_may_be_one_file(tmp_path: Path) -> None:
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "n.prototxt" solver_type: ADAM  # a comment\n')
    assert 'type: "Adam"' in run("upgrade", "solver", path, path).output
    assert path.read_text() == 'net: "n.prototxt"\ntype: "Adam"\n'


def test_hdf5_weights_have_one_form(tmp_path: Path) -> None:
    result = run("upgrade", "weights", REFERENCE / "weights" / "wnet.caffemodel.h5", tmp_path / "new.caffemodel")
    assert result.exit_code == 2
    assert "nothing to upgrade" in result.output
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_of_a_damaged_file(tmp_path: Path) -> None:
    cut = tmp_path / "cut.caffemodel"
    cut.write_bytes((REFERENCE / "weights" / "wnet_v1.caffemodel").read_bytes()[:300])
    result = run("upgrade", "weights", cut, tmp_path / "new.caffemodel")
    assert isinstance(result.exception, FormatError)
    assert [path.name for path in tmp_path.iterdir()] == ["cut.caffemodel"]


@pytest.mark.parametrize(
    ("caffe", "ours", "source"),
    [
        ("upgrade_net_proto_text", "net", "upgrade/v1_params.in.prototxt"),
        ("upgrade_net_proto_binary", "weights", "weights/wnet_v1.caffemodel"),
        ("upgrade_solver_proto_text", "solver", "upgrade/solver_type_adam.in.prototxt"),
    ],
)
def test_caffes_names(caffe: str, ours: str, source: str, tmp_path: Path) -> None:
    assert run(caffe, REFERENCE / source, tmp_path / "a").exit_code == 0
    assert run("upgrade", ours, REFERENCE / source, tmp_path / "b").exit_code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert caffe.replace("_", "-") not in run("--help").output
