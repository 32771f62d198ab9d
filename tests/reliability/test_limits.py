"""What files declare is checked before memory is taken, and nothing they say makes the program recurse or run on."""

from __future__ import annotations

import io
import json
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cortado import Net
from cortado.data.hdf5 import read_header
from cortado.data.sources.lmdb import Lmdb
from cortado.errors import (
    CortadoError,
    DataError,
    FileError,
    FormatError,
    NetError,
    ParseError,
    PluginError,
    ShapeError,
)
from cortado.netdef import state
from cortado.netdef.check import check_file
from cortado.netdef.weight_files import read_weight_file
from cortado.plugins import plugin_manager
from cortado.proto import files, parse_text, text as text_module
from cortado.solver.run_file import read_run_file

HUGE = 10**6
"""Its square is the count of a blob that no machine has."""


def peak() -> int:
    """The most memory this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.fixture(autouse=True)
def _flat() -> object:
    """No test here may need memory to speak of."""
    before = peak()
    yield
    assert peak() - before < 200


def net(tmp_path: Path, text: str) -> Net:
    (tmp_path / "net.prototxt").write_text(text)
    return Net(tmp_path / "net.prototxt", engine="reference")


INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { %s } } }\n'


def test_a_blob_of_10_to_the_12(tmp_path: Path) -> None:
    made = net(tmp_path, INPUT % f"dim: {HUGE} dim: {HUGE}")
    try:
        touched = made.blobs["x"].data
    except ShapeError as error:
        assert "GiB, more than is free" in str(error)  # noqa: PT017 - a system that overcommits gives the address space
    else:
        assert touched.size == HUGE**2


def test_weights_of_10_to_the_12_take_no_memory_to_build(tmp_path: Path) -> None:
    text = INPUT % f"dim: 1 dim: {HUGE}"
    text += (
        f'layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param {{ num_output: {HUGE} }} }}'
    )
    assert net(tmp_path, text).params["ip"][0].count == HUGE**2


def test_a_layer_that_asks_for_more_than_there_is(tmp_path: Path) -> None:
    """Even while it is only being checked."""
    text = INPUT % "dim: 25769803770 dim: 3" + 'layer { name: "a" type: "ArgMax" bottom: "x" top: "y" }'
    (tmp_path / "net.prototxt").write_text(text)
    before = peak()
    problems = [str(problem) for problem in check_file(tmp_path / "net.prototxt").problems]
    assert peak() - before < 200
    assert all("layer 'a' (ArgMax)" in text and "too large for this machine" in text for text in problems)


@pytest.mark.parametrize("dims", [[2**40, 2], [2**31, 2**31], [2**62, 2**62], [1] * 33])
def test_shapes_that_no_blob_has(tmp_path: Path, dims: list[int]) -> None:
    with pytest.raises(ShapeError):
        net(tmp_path, INPUT % " ".join(f"dim: {d}" for d in dims))


@pytest.mark.parametrize("dims", [[HUGE, HUGE], [2**62, 4], [2**63 - 1], [-5], [1] * 1000])
def test_stored_blobs_that_declare_more_than_they_hold(tmp_path: Path, dims: list[int]) -> None:
    message = plugin_manager().schema().NetParameter()
    layer = message.layer.add(name="ip", type="InnerProduct")
    layer.blobs.add().shape.dim.extend(dims)
    (tmp_path / "w.caffemodel").write_bytes(message.SerializeToString())

    def read() -> None:
        for stored in read_weight_file(tmp_path / "w.caffemodel", plugin_manager())[0].blobs.values():
            stored.read()

    with pytest.raises(FormatError):
        read()


def test_too_many_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MOST_LAYERS", 20)
    text = INPUT % "dim: 1" + "".join(f'layer {{ name: "{i}" type: "ReLU" bottom: "x" top: "x" }}\n' for i in range(20))
    with pytest.raises(NetError, match="a net has at most 20 layers; got 21"):
        net(tmp_path, text)
    assert "at most 20 layers" in str(check_file(tmp_path / "net.prototxt").problems[0])


def test_too_many_layers_are_noticed_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "MOST_GROUPS", 20)
    with pytest.raises(ParseError, match=r"net.prototxt:21:1: NetParameter.layer is given at most 20 times"):
        net(tmp_path, "layer { }\n" * 30)


def test_a_text_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_TEXT", 100)
    with pytest.raises(FileError, match="has at most 100 bytes; got 101"):
        net(tmp_path, "#" * 101)


@pytest.mark.parametrize("head", ["layer {", "layer <", "nonsense {", "layer { include {", "nonsense: [{ a: "])
def test_groups_in_groups(head: str) -> None:
    with pytest.raises(ParseError):
        parse_text(head * 100_000, plugin_manager().schema().NetParameter, "deep")


def test_a_long_line_of_anything_is_read_in_time() -> None:
    for text in (
        'name: "' + "\\" * 200_000,
        "a" * 500_000,
        "1" * 100_000,
        "layer: " * 50_000,
        "[" * 99_999,
    ):
        with pytest.raises(ParseError):
            parse_text(text + " }", plugin_manager().schema().NetParameter, "long")


# -- HDF5 --------------------------------------------------------------------------------------------------------


def hdf5(path: Path, build: Callable[[object], None]) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        build(file.create_group("data"))
    return path


def links(data: object) -> None:
    """Every name leads to every other, any number of times."""
    h5py = pytest.importorskip("h5py")
    for index in range(30):
        group = data.create_group(f"g{index}")
        for other in range(30):
            group[f"soft{other}"] = h5py.SoftLink(f"/data/g{other}")
    for index in range(30):
        for other in range(30):
            data[f"g{index}"][f"hard{other}"] = data[f"g{other}"]


def nested(data: object) -> None:
    for _ in range(1500):
        data = data.create_group("g")


def declared(data: object) -> None:
    data.create_group("ip").create_dataset("0", shape=(HUGE, HUGE), dtype="f4", chunks=(1024, 1024), fillvalue=1)


def elsewhere(data: object) -> None:
    data.create_group("ip").create_dataset("0", (4,), "f4", external=[("/etc/passwd", 0, 16)])


@pytest.mark.parametrize("build", [links, nested])
def test_hdf5_files_that_lead_nowhere(tmp_path: Path, build: Callable[[object], None]) -> None:
    found = read_weight_file(hdf5(tmp_path / "w.h5", build), plugin_manager())
    assert all(not layer.blobs for layer in found)


@pytest.mark.parametrize("build", [declared, elsewhere])
def test_hdf5_files_that_declare_what_they_do_not_hold(tmp_path: Path, build: Callable[[object], None]) -> None:
    with pytest.raises(FormatError):
        read_weight_file(hdf5(tmp_path / "w.h5", build), plugin_manager())


def test_hdf5_data_that_declare_what_they_do_not_hold(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file.create_dataset("x", shape=(4, HUGE), dtype="f4", chunks=(1, 1024))
    with pytest.raises(DataError, match="at most 1100 times as large as the file; got 16000000 bytes declared"):
        read_header(tmp_path / "rows.h5", ["x"])


# -- LMDB --------------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with Lmdb.create(tmp_path / "db") as writer:
        for index in range(300):
            writer.put(b"%04d" % index, bytes(1000))
    return tmp_path / "db"


@pytest.mark.parametrize("keep", [0, 1, 100, 4096, 8192, 0.3, 0.95])
def test_a_database_that_was_cut_off(database: Path, keep: float) -> None:
    data = (database / "data.mdb").read_bytes()
    (database / "data.mdb").write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(FileError):
        Lmdb(database)


@pytest.mark.parametrize("content", [bytes(20_000), b"x" * 20_000, np.random.default_rng(0).bytes(20_000)])
def test_a_file_that_is_no_database(database: Path, content: bytes) -> None:
    (database / "data.mdb").write_bytes(content)
    with pytest.raises(FileError, match="must be an LMDB file"):
        Lmdb(database)


# -- run files ---------------------------------------------------------------------------------------------------


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def array(shape: tuple[int, ...], kind: str = "<f4", content: bytes = b"") -> bytes:
    stream = io.BytesIO()
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + content


MAIN = json.dumps({"x": {"array": "0.npy"}}).encode()


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"run.json": b"{"},
        {"run.json": b"[" * 200_000 + b"]" * 200_000},
        {"run.json": b'"text"'},
        {"run.json": MAIN},
        {"run.json": MAIN, "0.npy": b"no array"},
        {"run.json": MAIN, "0.npy": array((HUGE, HUGE))},
        {"run.json": MAIN, "0.npy": array((-1,))},
        {"run.json": MAIN, "0.npy": array((1,), "|O", b"cos\nsystem\n(S'true'\ntR.")},
    ],
)
def test_run_files_that_are_none(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(FormatError):
        read_run_file(archive(tmp_path / "f.cortado", members))


def test_a_compressed_run_file_is_refused(tmp_path: Path) -> None:
    bomb = {"run.json": MAIN, "0.npy": array((2**22,), content=bytes(2**24))}
    with pytest.raises(FormatError, match="not compressed"):
        read_run_file(archive(tmp_path / "f.cortado", bomb, zipfile.ZIP_DEFLATED))


# -- code --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["os.system", "subprocess.Popen", "builtins.print", "pathlib.Path"])
def test_python_layers_are_layers_only(tmp_path: Path, name: str) -> None:
    """Also with permission: what is no layer is not even made."""
    module, _, layer = name.rpartition(".")
    text = f'layer {{ name: "p" type: "Python" top: "x" python_param {{ module: "{module}" layer: "{layer}" }} }}'
    (tmp_path / "net.prototxt").write_text(text)
    with pytest.raises(PluginError):
        Net(tmp_path / "net.prototxt", allow_python_layers=True)
    with pytest.raises(CortadoError, match="needs the caller's leave"):
        Net(tmp_path / "net.prototxt")
