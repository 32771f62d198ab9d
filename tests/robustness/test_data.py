"""Bad data: every error names the layer with its line, the record, what is wrong with it, and what came instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cortado import CortadoError, DataError, FileError, FormatError, Net, NumericsError, ParameterError, Phase, Solver
from cortado.cli import program
from cortado.data import array_to_datum, create_source, write_mean

pytest.importorskip("lmdb")

HEAD = """
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 10 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }
"""
DATA = """layer {{ name: "digits" type: "Data" top: "data" top: "label"
  transform_param {{ {transform} }}
  data_param {{ source: "{source}" backend: LMDB batch_size: 4 prefetch: {prefetch} }} }}
"""
ROWS = """layer { name: "h" type: "HDF5Data" top: "data" top: "label"
  hdf5_data_param { source: "list.txt" batch_size: 3 } }
"""
LINE = "net.prototxt:1:1: layer 'digits' (Data)"
Records = Iterable[tuple[np.ndarray, int]]


def images(count: int, dtype: type = np.uint8) -> list[tuple[np.ndarray, int]]:
    rng = np.random.default_rng(0)
    return [(rng.integers(0, 256, (1, 6, 6)).astype(dtype), i % 10) for i in range(count)]


def database(path: Path, records: Records) -> None:
    with create_source("LMDB", path) as writer:
        for index, (array, label) in enumerate(records):
            writer.put(b"%08d" % index, array_to_datum(array, label).SerializeToString())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=[0, 4], ids=["direct", "prefetched"])
def make(folder: Path, request: pytest.FixtureRequest) -> Callable[..., Net]:
    def made(source: str = "db", transform: str = "", phase: Phase = Phase.TEST) -> Net:
        text = DATA.format(source=source, transform=transform, prefetch=request.param)
        Path("net.prototxt").write_text(text + HEAD)
        return Net("net.prototxt", phase)

    return made


def message(error: type[CortadoError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def forward(net: Net, times: int) -> Callable[[], object]:
    return lambda: [net.forward() for _ in range(times)]


# -- labels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [10, -1, 4000])
def test_label_out_of_range(label: int, make: Callable[..., Net]) -> None:
    records = images(12)
    records[6] = (records[6][0], label)
    database(Path("db"), records)
    text = message(DataError, forward(make(), 2))
    assert "layer 'loss' (SoftmaxWithLoss): labels must be from 0 to 9, as there are 10 classes" in text
    assert f"got {label} at 'label'[2], record '00000006'" in text


def test_label_out_of_range_in_training_leaves_the_weights(make: Callable[..., Net]) -> None:
    records = images(12)
    records[9] = (records[9][0], 10)
    database(Path("db"), records)
    make()
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 9 snapshot: 2 snapshot_prefix: "s"'
    )
    solver = Solver("solver.prototxt")
    assert "record '00000009'" in message(DataError, solver.solve)
    assert solver.iteration == 2
    written = sorted(path.name for path in Path().glob("s_*"))
    assert "s_iter_2.caffemodel" in written
    assert not [path for path in Path().rglob("*") if ".tmp" in path.name]
    again = Solver("solver.prototxt")
    again.restore("s_iter_2.solverstate")
    for a, b in zip(again.net.learnable, solver.net.learnable, strict=True):
        np.testing.assert_array_equal(a.blob.data, b.blob.data)


def test_label_out_of_range_from_hdf5(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File("rows.h5", "w") as file:
        file["data"] = np.zeros((6, 3), np.float32)
        file["label"] = np.array([0, 1, 2, 3, 77, 5], np.float32)
    Path("list.txt").write_text("rows.h5\n")
    Path("net.prototxt").write_text(ROWS + HEAD)
    text = message(DataError, forward(Net("net.prototxt"), 2))
    assert "got 77 at" in text
    assert "row 4 of rows.h5" in text


def test_label_out_of_range_from_an_image_list(folder: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    for name in ("a.png", "b.png"):
        image_module.new("RGB", (6, 6)).save(name)
    Path("list.txt").write_text("a.png 3\nb.png 12\n")
    layer = """layer { name: "i" type: "ImageData" top: "data" top: "label"
      image_data_param { source: "list.txt" batch_size: 2 } }"""
    Path("net.prototxt").write_text(layer + HEAD)
    assert "got 12 at 'label'[1], image b.png" in message(DataError, Net("net.prototxt").forward)


# -- images -----------------------------------------------------------------------------------------------------


def test_an_image_that_does_not_decode(make: Callable[..., Net]) -> None:
    with create_source("LMDB", "db") as writer:
        for index, (array, label) in enumerate(images(8)):
            datum = array_to_datum(array, label)
            if index == 5:
                datum.data, datum.encoded = b"\x89PNG but no more", True
            writer.put(b"%08d" % index, datum.SerializeToString())
    text = message(DataError, forward(make(), 2))
    assert text.startswith(LINE)
    assert "record '00000005'" in text


def test_a_record_that_is_no_datum(make: Callable[..., Net]) -> None:
    with create_source("LMDB", "db") as writer:
        for index, (array, label) in enumerate(images(8)):
            value = array_to_datum(array, label).SerializeToString()
            writer.put(b"%08d" % index, b"\xff\xff\xff" if index == 7 else value)
    text = message(DataError, forward(make(), 2))
    assert text.startswith(LINE)
    assert "record '00000007' must be a Datum" in text


def test_a_record_of_another_size(make: Callable[..., Net]) -> None:
    records = images(8)
    records[3] = (np.zeros((1, 5, 6), np.uint8), 0)
    database(Path("db"), records)
    text = message(DataError, make().forward)
    assert "record '00000003': all records of a batch must be 1x6x6; got 1x5x6" in text


def test_an_image_file_that_does_not_decode_makes_no_database(folder: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    image_module.new("RGB", (6, 6)).save("a.png")
    Path("b.png").write_bytes(Path("a.png").read_bytes()[:30])
    Path("list.txt").write_text("a.png 0\nb.png 1\n")
    result = CliRunner().invoke(program, ["convert-imageset", ".", "list.txt", "db"])
    assert isinstance(result.exception, CortadoError)
    assert "b.png" in str(result.exception)
    assert sorted(path.name for path in Path().iterdir()) == ["a.png", "b.png", "list.txt"]


# -- databases --------------------------------------------------------------------------------------------------


def test_a_missing_database_is_named_in_full(make: Callable[..., Net], folder: Path) -> None:
    database(folder / "mnist_train_lmdb", images(1))
    text = message(FileError, lambda: make("mnist_trian_lmdb"))
    assert text.startswith(LINE)
    assert str(folder / "mnist_trian_lmdb") in text
    assert "mnist_train_lmdb" in text.replace(str(folder / "mnist_trian_lmdb"), "")


def test_an_empty_database(make: Callable[..., Net], folder: Path) -> None:
    import lmdb

    with lmdb.open(str(folder / "db")):
        pass
    text = message(FileError, make)
    assert text.startswith(LINE)
    assert str(folder / "db") in text


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 400])
def test_a_damaged_database(content: bytes, make: Callable[..., Net], folder: Path) -> None:
    (folder / "db").mkdir()
    (folder / "db" / "data.mdb").write_bytes(content)
    text = message(CortadoError, make)
    assert text.startswith(LINE)
    assert str(folder / "db") in text
    assert (folder / "db" / "data.mdb").read_bytes() == content


def test_a_folder_that_is_no_database(make: Callable[..., Net], folder: Path) -> None:
    (folder / "db").mkdir()
    assert str(folder / "db") in message(FileError, make)


# -- means ------------------------------------------------------------------------------------------------------


def test_a_mean_of_another_size(make: Callable[..., Net]) -> None:
    database(Path("db"), images(4))
    write_mean("mean.binaryproto", np.zeros((3, 8, 8), np.float32))
    text = message(ParameterError, lambda: make(transform='mean_file: "mean.binaryproto"'))
    assert text.startswith("net.prototxt:2:")
    assert "layer 'digits' (Data)" in text
    assert "3x8x8" in text
    assert "1x6x6" in text


def test_a_mean_that_is_another_file(make: Callable[..., Net], folder: Path) -> None:
    database(Path("db"), images(4))
    Path("mean.binaryproto").write_bytes(array_to_datum(images(1)[0][0], 1).SerializeToString())
    text = message(FormatError, lambda: make(transform='mean_file: "mean.binaryproto"'))
    assert str(folder / "mean.binaryproto") in text
    text = message(FileError, lambda: make(transform='mean_file: "meen.binaryproto"'))
    assert str(folder / "meen.binaryproto") in text


# -- NaN --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_in_a_record(value: float, make: Callable[..., Net]) -> None:
    records = images(12, np.float32)
    records[6][0][0, 2, 3] = value
    database(Path("db"), records)
    text = message(NumericsError, forward(make(), 2))
    assert text.startswith(LINE)
    assert f"record '00000006': the values of a record must be finite numbers; got {value:g} at [0, 2, 3]" in text


def test_large_numbers_are_no_nan(make: Callable[..., Net]) -> None:
    database(Path("db"), [(np.full((1, 6, 6), 3e38, np.float32), 0)] * 4)
    net = make()
    net.forward()
    assert (net.blobs["data"].data == np.float32(3e38)).all()


def test_nan_in_a_mean(make: Callable[..., Net], folder: Path) -> None:
    database(Path("db"), images(4))
    mean = np.zeros((1, 6, 6), np.float32)
    mean[0, 0, 0] = np.nan
    write_mean("mean.binaryproto", mean)
    text = message(NumericsError, lambda: make(transform='mean_file: "mean.binaryproto"'))
    assert str(folder / "mean.binaryproto") in text


def test_nan_in_hdf5(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    data = np.zeros((6, 3, 2), np.float32)
    data[4, 1, 0] = np.nan
    with h5py.File("rows.h5", "w") as file:
        file["data"], file["label"] = data, np.zeros(6, np.int64)
    Path("list.txt").write_text("rows.h5\n")
    Path("net.prototxt").write_text(ROWS + HEAD)
    text = message(NumericsError, forward(Net("net.prototxt"), 2))
    assert "layer 'h' (HDF5Data)" in text
    assert "dataset 'data', row 4 of rows.h5: the values of a record must be finite numbers; got nan at [1, 0]" in text


def test_nan_from_memory(folder: Path) -> None:
    layer = """layer { name: "m" type: "MemoryData" top: "data" top: "label"
      memory_data_param { batch_size: 2 channels: 1 height: 2 width: 2 } }"""
    Path("net.prototxt").write_text(layer + HEAD)
    memory = Net("net.prototxt").layers[0]
    data = np.zeros((4, 1, 2, 2))
    memory.reset(data, [0, 1, 2, 3])
    data[3, 0, 1, 1] = np.nan
    assert "layer 'm' (MemoryData): record 3: the values" in message(NumericsError, lambda: memory.reset(data, [0] * 4))
    assert "record 1" in message(NumericsError, lambda: memory.reset(np.zeros((2, 1, 2, 2)), [0, np.nan]))
