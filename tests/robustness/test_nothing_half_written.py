"""A write that fails, wherever it fails, leaves the old file as it was and nothing beside it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cortado import CortadoError, FileError, Net, Solver
from cortado.cli import program
from cortado.data import write_mean

REFERENCE = Path(__file__).parents[1] / "reference"
LOGS = REFERENCE / "logs"
Write = Callable[[Path], object]


def command(*args: str) -> Write:
    return lambda path: CliRunner().invoke(program, [a.replace("OUT", str(path)) for a in args], catch_exceptions=False)


def net() -> Net:
    return Net(LOGS / "net.prototxt", engine="reference", seed=0)


WRITERS: dict[str, Write] = {
    "w.caffemodel": lambda path: net().save(path),
    "w.caffemodel.h5": lambda path: net().save(path),
    "mean.binaryproto": lambda path: write_mean(path, np.zeros((1, 2, 2), np.float32)),
    "new.prototxt": command("upgrade", "net", str(REFERENCE / "upgrade" / "v1_params.in.prototxt"), "OUT"),
    "new.caffemodel": command("upgrade", "weights", str(REFERENCE / "weights" / "wnet_v1.caffemodel"), "OUT"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in LOGS.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk(name: str, step: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = folder / name
    target.write_bytes(b"the old one")
    before = sorted(folder.iterdir())
    monkeypatch.setattr(os, step, full_disk)
    with pytest.raises(FileError, match="No space left on device") as caught:
        WRITERS[name](target)
    assert str(target) in str(caught.value)
    assert target.read_bytes() == b"the old one"
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_folder_that_is_not_there(name: str, folder: Path) -> None:
    with pytest.raises(FileError) as caught:
        WRITERS[name](folder / "none" / name)
    assert str(folder / "none" / name) in str(caught.value)
    assert not (folder / "none").exists()


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_folder_of_that_name(name: str, folder: Path) -> None:
    (folder / name).mkdir()
    with pytest.raises(FileError, match="directory"):
        WRITERS[name](folder / name)
    assert not list((folder / name).iterdir())


@pytest.mark.parametrize("kind", ["BINARYPROTO", "HDF5"])
def test_a_snapshot_that_fails_leaves_the_one_before(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suffix = ".h5" if kind == "HDF5" else ""
    solver = Solver("solver.prototxt", engine="reference", fields={"snapshot_format": 0 if suffix else 1})
    solver.step(2)
    state = solver.snapshot()
    wanted = {path.name: path.read_bytes() for path in folder.glob("lognet_iter_2.*")}
    assert f"lognet_iter_2.solverstate{suffix}" in wanted
    before = sorted(folder.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full_disk)
        with pytest.raises(CortadoError, match="No space left"):
            solver.snapshot()
    assert sorted(folder.iterdir()) == before
    assert {path.name: path.read_bytes() for path in folder.glob("lognet_iter_2.*")} == wanted
    Solver("solver.prototxt", engine="reference").restore(state)


def test_tables_of_a_log_whose_folder_is_a_file(folder: Path) -> None:
    (folder / "out").write_text("a file")
    result = CliRunner().invoke(program, ["parse-log", "train.log", "out"])
    assert isinstance(result.exception, CortadoError)
    assert (folder / "out").read_text() == "a file"
