"""Commands whose disk runs full, or whose output has no folder: one clear error, and nothing half-written is left."""

from __future__ import annotations

import resource
import shutil
import signal
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from cortado import Net
from cortado.__main__ import main
from cortado.data import array_to_datum, create_source, images
from cortado.data.hdf5_write import writing_hdf5
from cortado.errors import FileError

NET = """
name: "net"
layer { name: "data" type: "Data" top: "data" top: "label"
  data_param { source: "db" backend: LMDB batch_size: 20 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 40 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 2 test_iter: 1 test_interval: 5 random_seed: 1'
LOG = "".join(
    f"I0101 10:00:{i:02d}.0 1 x.cpp:1] Iteration {i}, loss = 0.5\nIteration {i}, lr = 0.1\n" for i in range(60)
)
WEIGHTS = "net.caffemodel"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a net, its data, weights, solver and log, photos, and a folder ``out``."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    with create_source("LMDB", "db") as writer:
        for number in range(20):
            writer.put(
                b"%02d" % number, array_to_datum(rng.integers(0, 256, (3, 20, 20), np.uint8), 0).SerializeToString()
            )
    Path("net.prototxt").write_text(NET)
    Path("solver.prototxt").write_text(f'{SOLVER} snapshot_prefix: "out/run"')
    Path("h5.prototxt").write_text(f'{SOLVER} snapshot_prefix: "out/run" snapshot_format: HDF5')
    Path("train.log").write_text(LOG)
    Net("net.prototxt", seed=1).save(WEIGHTS)
    Path("photos").mkdir()
    photos = rng.integers(0, 256, (30, 20, 20, 3), np.uint8)
    for number, photo in enumerate(photos):
        Path(f"photos/{number}.png").write_bytes(images.encode(photo, "png"))
    Path("list.txt").write_text("".join(f"{n}.png {n}\n" for n in range(len(photos))))
    Path("out").mkdir()
    return tmp_path


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file can be written beyond *size* bytes, as if the disk were full there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN  # so the writing fails, as Python has it
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the program says when it fails with an error of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["cortado", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
    said = capsys.readouterr().err
    assert stopped.value.code == 1, said
    assert "error: " in said
    assert "internal error" not in said
    return said


WRITERS = {
    "lmdb": ["convert-imageset", "photos", "list.txt", "out/a"],
    "leveldb": ["convert-imageset", "--backend", "leveldb", "photos", "list.txt", "out/a"],
    "features, lmdb": ["extract-features", WEIGHTS, "net.prototxt", "ip,data", "out/a,out/b", "2"],
    "features, leveldb": ["extract-features", WEIGHTS, "net.prototxt", "ip,data", "out/a,out/b", "2", "leveldb"],
    "features, hdf5": ["extract-features", WEIGHTS, "net.prototxt", "ip,data", "out/a.h5,out/b.h5", "2", "hdf5"],
    "onnx": ["export", "onnx", "net.prototxt", WEIGHTS, "-o", "out/a.onnx", "--no-compare"],
    "hdf5": ["convert-weights", WEIGHTS, "out/a.h5"],
    "npz": ["convert-weights", WEIGHTS, "out/a.npz"],
    "safetensors": ["convert-weights", WEIGHTS, "out/a.safetensors"],
    "caffemodel": ["convert-weights", WEIGHTS, "out/a.caffemodel"],
    "deploy": ["deploy", "net.prototxt", "-o", "out/a.prototxt"],
    "draw": ["draw", "net.prototxt", "-o", "out/a.svg"],
    "draw, html": ["draw", "net.prototxt", "-o", "out/a.html"],
    "plot": ["plot", "train.log", "-o", "out/a.svg"],
    "report": ["report", "train.log", "-o", "out/a.html"],
    "report of a net": ["report", "train.log", "--solver", "solver.prototxt", "--weights", WEIGHTS, "-o", "out/a.html"],
    "pictures": ["pictures", "net.prototxt", WEIGHTS, "-o", "out/a.html"],
    "mean": ["compute-mean", "db", "out/a.binaryproto"],
    "log": ["parse-log", "train.log", "out"],
    "upgrade": ["upgrade", "net", "net.prototxt", "out/a.prototxt"],
    "weights": ["upgrade", "weights", WEIGHTS, "out/a.caffemodel"],
    "snapshot": ["train", "solver.prototxt"],
    "snapshot, hdf5": ["train", "h5.prototxt"],
}


@pytest.mark.parametrize("size", [0, 300])
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk(name: str, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    with files_of_at_most(size):
        said = failed(capsys, *WRITERS[name])
    assert "File too large" in said or ("lmdb" in name and ("Input/output error" in said or "No space left" in said))
    assert "out" in said
    assert list(Path("out").iterdir()) == []


@pytest.mark.parametrize("size", [10_000, 20_000])
@pytest.mark.parametrize("name", ["lmdb", "leveldb", "features, lmdb", "features, leveldb", "features, hdf5"])
def test_a_disk_that_runs_full_on_the_way(name: str, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    test_a_full_disk(name, size, capsys)


def test_a_new_package_is_whole_or_not_there(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    with files_of_at_most(1000):
        assert "File too large" in failed(capsys, "new-layer", "FooBar")
    assert sorted(folder.rglob("*")) == before


def fill(backend: str, count: int = 100) -> None:
    """Make a database of *count* records that cannot be compressed."""
    with create_source(backend, "out/a") as writer:
        for number in range(count):
            writer.put(b"%03d" % number, np.random.default_rng(number).bytes(1000))


def test_a_full_disk_is_told_where_a_library_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """LMDB speaks of an input/output error when a disk is full."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(9, 9, 0))
    rule = r"out/a: cannot write: .*\(No space left on device: 0 bytes are free there\)"
    with files_of_at_most(20_000), pytest.raises(FileError, match=rule):
        fill("LMDB")


def write_much(path: Path, seen: list[str]) -> None:
    with writing_hdf5(path) as (file, below):
        for number in range(50):
            file.create_dataset(f"x{number}", data=np.zeros(100), chunks=(10,))
            file.flush()
        try:
            below.check()
        except OSError as error:
            seen.append(str(error))


def test_hdf5_is_not_told_of_a_failure(folder: Path) -> None:
    """Its library may crash at the end of a process in which a write of its has failed."""
    seen: list[str] = []
    with files_of_at_most(3000), pytest.raises(OSError, match="File too large"):
        write_much(Path("a.h5"), seen)
    assert seen == ["[Errno 27] File too large"]
    with writing_hdf5(Path("b.h5")) as (file, _):
        file.create_dataset("x", data=np.arange(9))
    with writing_hdf5(Path("b.h5"), "a") as (file, _):
        file.create_dataset("y", data=file["x"][...] + 1)
        assert list(file["y"]) == list(range(1, 10))
    with (
        pytest.raises(FileError, match=r"cannot open the HDF5 file .*net\.prototxt"),
        writing_hdf5(Path("net.prototxt"), "a"),
    ):
        pass


def test_rows_of_an_output_layer(folder: Path) -> None:
    layer = (
        'layer { name: "o" type: "HDF5Output" bottom: "data" bottom: "label" hdf5_output_param { file_name: "o.h5" } }'
    )
    Path("o.prototxt").write_text(NET.partition('layer { name: "ip"')[0] + layer)
    net = Net("o.prototxt")
    with files_of_at_most(150_000):
        net.forward()
    with files_of_at_most(150_000), pytest.raises(FileError, match=r"o\.h5: cannot write this file: File too large"):
        net.forward()


AHEAD = {
    "onnx": ["export", "onnx", "no.prototxt", "no.caffemodel", "-o", "no/a.onnx"],
    "weights": ["convert-weights", "no.caffemodel", "no/a.h5"],
    "deploy": ["deploy", "no.prototxt", "-o", "no/a.prototxt"],
    "draw": ["draw", "no.prototxt", "-o", "no/a.svg"],
    "plot": ["plot", "no.log", "-o", "no/a.svg"],
    "report": ["report", "no.log", "-o", "no/a.html"],
    "pictures": ["pictures", "no.prototxt", "no.caffemodel", "-o", "no/a.html"],
    "diagnose": ["diagnose", "no.prototxt", "--plot", "no/a.svg"],
    "mean": ["compute-mean", "db", "no/a.binaryproto"],
    "upgrade": ["upgrade", "weights", WEIGHTS, "no/a.caffemodel"],
}


@pytest.mark.parametrize("name", AHEAD)
def test_a_missing_folder_is_noticed_before_the_work(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Even where the input is missing, too, and the data is not looked at."""
    monkeypatch.setattr("cortado.data.sources.lmdb.Lmdb.records", None)
    monkeypatch.setattr("cortado.plugins.dialects.read_weights", None)
    assert f"{folder}/no/a" in (said := failed(capsys, *AHEAD[name]))
    assert "cannot write this file: No such file or directory" in said


@pytest.mark.parametrize(
    "command", [["train", "s.prototxt"], ["pictures", "net.prototxt", WEIGHTS, "-o", "train.log/x"]]
)
def test_a_folder_that_cannot_be_made(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.prototxt").write_text(f'{SOLVER} snapshot_prefix: "train.log/run"')
    said = failed(capsys, *command)
    assert "cannot make th" in said
    assert "Iteration" not in said


def test_both_databases_are_looked_for_before_the_first_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    for name, count in (("train", 3), ("t10k", 2)):
        head = np.array([2051, count, 2, 2], ">i4").tobytes()
        Path(f"{name}-images-idx3-ubyte").write_bytes(head + bytes(4 * count))
        Path(f"{name}-labels-idx1-ubyte").write_bytes(np.array([2049, count], ">i4").tobytes() + bytes(count))
    Path("out/mnist_test_lmdb").mkdir()
    assert "out/mnist_test_lmdb: a new database must not exist yet" in failed(capsys, "convert-mnist", ".", "out")
    assert [path.name for path in Path("out").iterdir()] == ["mnist_test_lmdb"]


@pytest.mark.parametrize("backend", ["LMDB", "LEVELDB"])
def test_a_writer_that_fails_lets_go_of_its_files(backend: str) -> None:
    """What cannot be finished can be made anew, in the same process."""
    for _ in range(2):
        with files_of_at_most(20_000), pytest.raises(FileError, match="cannot write"):
            fill(backend)
        assert list(Path("out").iterdir()) == []
    fill(backend, 1)
    assert [path.name for path in Path("out").iterdir()] == ["a"]
