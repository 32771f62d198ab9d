from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cortado
from cortado.errors import FormatError
from cortado.netdef import WeightFormat
from cortado.netdef.weight_files import StoredBlob, StoredLayer
from cortado.plugins import PluginManager
from cortado.proto import atomic_path, parse_text

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "part/ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } bias_filler { type: "uniform" } } }
layer { name: "bn" type: "BatchNorm" bottom: "y" top: "y" }
"""


@pytest.fixture
def plugins() -> PluginManager:
    return PluginManager(external=False)


def net(plugins: PluginManager, seed: int = 1) -> cortado.Net:
    message: Any = parse_text(NET, plugins.schema().message("NetParameter"), "net.prototxt").message
    return cortado.Net(message, seed=seed, plugins=plugins)


@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.h5", ".hdf5", ".npz", ".safetensors", ""])
def test_every_format_keeps_every_blob(plugins: PluginManager, tmp_path: Path, suffix: str) -> None:
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    one, two = net(plugins), net(plugins, seed=2)
    path = tmp_path / f"weights{suffix}"
    one.save(path)
    report = two.load(path, strict=True)
    assert sorted(report.names("loaded")) == ["bn", "part/ip"]
    for a, b in zip(one.params.values(), two.params.values(), strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x.data, y.data)


def test_npz_is_a_plain_archive_of_arrays(plugins: PluginManager, tmp_path: Path) -> None:
    made = net(plugins)
    made.params["part/ip"][0].diff[...] = 5
    made.save(tmp_path / "w.npz", with_diff=True)
    with np.load(tmp_path / "w.npz") as arrays:
        assert sorted(arrays.files) == sorted(
            f"{head}{name}" for head in ("", "diff/") for name in ("part/ip/0", "part/ip/1", "bn/0", "bn/1", "bn/2")
        )
        np.testing.assert_array_equal(arrays["part/ip/0"], made.params["part/ip"][0].data)
        assert (arrays["diff/part/ip/0"] == 5).all()
    assert [p.name for p in tmp_path.iterdir()] == ["w.npz"], "nothing is left behind"


def test_damaged_safetensors(plugins: PluginManager, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    made, path = net(plugins), tmp_path / "w.safetensors"
    made.save(path)
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    with pytest.raises(FormatError, match="this is no safetensors file"):
        made.load(path)
    path.write_bytes(data.replace(b"part/ip/", b"part_ip_").replace(b"bn/", b"bn_"))
    with pytest.raises(FormatError, match="tensors of weights are called '<layer>/<index>'"):
        made.load(path)


def archive(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def test_archives_that_are_no_weights(plugins: PluginManager, tmp_path: Path) -> None:
    target = net(plugins)
    path = tmp_path / "w.npz"
    np.savez(path, **{"ip/0": np.array(["text"])})
    with pytest.raises(FormatError, match="'ip/0' holds no numbers"):
        target.load(path)
    np.savez(path, **{"ip/0": np.array([{"code": 1}], object)})
    with pytest.raises(FormatError, match="arrays of Python objects, which are pickles, are never loaded"):
        target.load(path)
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(FormatError, match="has arrays called '<layer>/<index>'; got none"):
        target.load(path)
    archive(path, **{"ip/0.npy": b"\x93NUMPY\x01\x00v\x00garbage"})
    with pytest.raises(FormatError, match="this archive cannot be read"):
        target.load(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match=r"this archive cannot be read.*copy or download it again"):
        target.load(path)


def test_an_archive_that_unpacks_to_too_much_is_refused_before_memory_is_taken(
    plugins: PluginManager, tmp_path: Path
) -> None:
    header = b"\x93NUMPY\x01\x00"
    shape = b"{'descr': '<f4', 'fortran_order': False, 'shape': (400000000000,), }\n"
    claim = header + len(shape).to_bytes(2, "little") + shape
    path = archive(tmp_path / "w.npz", **{"part/ip/0.npy": claim + bytes(100)})
    with pytest.raises(FormatError, match=r"not that of its shape \(400000000000,\) of float32: 100 bytes"):
        net(plugins).load(path)
    path = archive(tmp_path / "bomb.npz", **{"part/ip/0.npy": bytes(1_000_000)})
    raw = bytearray(path.read_bytes())
    at = raw.rfind(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (4_000_000_000).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(FormatError, match="an array is at most 1100 times as large as its part of the file"):
        net(plugins).load(path)


class Json(WeightFormat):
    type = "json"
    suffixes = (".weights.json",)

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(b'{"layers"')

    def read(self, path: Path, plugins: PluginManager) -> list[StoredLayer]:
        stored = json.loads(path.read_text())["layers"]
        return [
            StoredLayer(name, {i: StoredBlob.of(np.array(blob)) for i, blob in enumerate(blobs)})
            for name, blobs in stored.items()
        ]

    def write(self, net: cortado.Net, path: Path, *, with_diff: bool) -> None:
        layers = {name: [blob.data.tolist() for blob in blobs] for name, blobs in net.params.items()}
        with atomic_path(path) as temporary:
            Path(temporary).write_text(json.dumps({"layers": layers}))


def test_a_format_of_a_plugin(plugins: PluginManager, tmp_path: Path) -> None:
    plugin = type("P", (), {"cortado_weight_formats": staticmethod(cortado.hookimpl(lambda: [Json]))})()
    plugins.register(plugin, "json")
    one, two = net(plugins), net(plugins, seed=2)
    one.save(tmp_path / "my.weights.json")
    assert json.loads((tmp_path / "my.weights.json").read_text())["layers"].keys() == {"part/ip", "bn"}
    (tmp_path / "my.weights.json").rename(tmp_path / "other_name")
    assert two.load(tmp_path / "other_name").names("loaded") == ["part/ip", "bn"]
    np.testing.assert_allclose(two.params["part/ip"][0].data, one.params["part/ip"][0].data)


def test_a_format_that_does_only_one_of_the_two(plugins: PluginManager, tmp_path: Path) -> None:
    half = type("Half", (WeightFormat,), {"type": "half", "suffixes": (".half",), "recognises": lambda *_: True})
    plugin = type("P", (), {"cortado_weight_formats": staticmethod(cortado.hookimpl(lambda: [half]))})()
    plugins.register(plugin, "half")
    with pytest.raises(FormatError, match="weights in the format half can only be read"):
        net(plugins).save(tmp_path / "w.half")
    tmp_path.joinpath("w").write_bytes(b"x")
    with pytest.raises(FormatError, match="weights in the format half can only be written"):
        net(plugins).load(tmp_path / "w")
