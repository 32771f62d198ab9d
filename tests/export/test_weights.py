"""Weights between .caffemodel, HDF5, safetensors and .npz, in every direction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cortado
from cortado.cli import program
from cortado.errors import FormatError
from cortado.export.weights import read_weights, write_weights
from cortado.netdef import Net, WeightFormat
from cortado.netdef.spec import layers as L, to_proto  # noqa: N812 - its usual name

pytest.importorskip("h5py")
pytest.importorskip("safetensors")
KINDS = ("caffemodel", "h5", "safetensors", "npz")


@pytest.fixture
def net() -> Net:
    x = L.Input(shape={"dim": [1, 2, 4, 4]})
    y = L.Convolution(x, num_output=3, kernel_size=2, weight_filler={"type": "xavier"})
    return Net(to_proto(L.InnerProduct(y, num_output=2, weight_filler={"type": "xavier"}, name="a/b")), seed=3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_both_ways(net: Net, kind: str, other: str, tmp_path: Path) -> None:
    net.save(tmp_path / "w.caffemodel")
    write_weights(read_weights(tmp_path / "w.caffemodel"), tmp_path / f"a.{kind}")
    write_weights(read_weights(tmp_path / f"a.{kind}"), tmp_path / f"b.{other}")
    found = read_weights(tmp_path / f"b.{other}")
    for name, blobs in net.params.items():
        for index, blob in enumerate(blobs):
            np.testing.assert_array_equal(found[name][index], blob.data)


def test_a_net_reads_what_came_back(net: Net, tmp_path: Path) -> None:
    net.save(tmp_path / "w.caffemodel")
    write_weights(read_weights(tmp_path / "w.caffemodel"), tmp_path / "w.npz")
    write_weights(read_weights(tmp_path / "w.npz"), tmp_path / "x.caffemodel")
    other = Net(net.definition, weights=tmp_path / "x.caffemodel", seed=4)
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 4))
    for mine, theirs in zip(net(Input1=x).values(), other(Input1=x).values(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_files_that_are_none(tmp_path: Path) -> None:
    for kind in ("npz", "safetensors"):
        path = tmp_path / f"w.{kind}"
        path.write_bytes(b"\x10 nothing of the kind" * 9)
        with pytest.raises(FormatError, match=r"this is no safetensors file|this archive cannot be read"):
            read_weights(path)
    np.savez(tmp_path / "w.npz", weights=np.ones(3))
    with pytest.raises(FormatError, match="<layer>/<index>"):
        read_weights(tmp_path / "w.npz")
    with pytest.raises(FormatError, match="weight files end in"):
        write_weights({}, tmp_path / "w.pt")
    with pytest.raises(FormatError, match="from 0 on"):
        write_weights({"a": {1: np.ones(2)}}, tmp_path / "w.caffemodel")


def test_a_format_that_needs_a_net(tmp_path: Path) -> None:
    half = type("Half", (WeightFormat,), {"type": "half", "suffixes": (".half",)})
    cortado.register(half)
    try:
        with pytest.raises(FormatError, match="the format half are not written without a net"):
            write_weights({"a": {0: np.ones(2)}}, tmp_path / "w.half")
    finally:
        cortado.unregister(half)


def test_no_pickles(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", **{"a/0": np.array([{}], object)})
    with pytest.raises(FormatError):
        read_weights(tmp_path / "w.npz")


def test_command(net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net.save("digits.caffemodel")
    run = CliRunner()
    help_text = run.invoke(program, ["convert-weights", "--help"]).output
    line = next(one for one in help_text.splitlines() if "Example:" in one)
    result = run.invoke(program, line.split()[2:])
    assert result.exit_code == 0
    assert result.output == "digits.safetensors: 2 layers, 83 numbers\n"
