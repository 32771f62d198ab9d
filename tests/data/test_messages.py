"""What is said of records, files and databases that cannot be used, where no other test asks for it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.data import create_source, open_source
from cortado.data.hdf5 import damage_named, read_header, refuse_elsewhere
from cortado.data.idx import read_idx
from cortado.data.sources import leveldb
from cortado.data.sources.lmdb import Lmdb
from cortado.data.sources.lmdb_file import LmdbFile
from cortado.errors import DataError, FileError, FormatError


def test_hdf5_that_keeps_its_values_elsewhere(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "rows.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (4, 1), "f4", external=[(str(tmp_path / "raw"), 0, 16)])
        with pytest.raises(DataError, match=f"dataset 'x' of {path} must not keep its values in other files"):
            refuse_elsewhere(file, "x", path)
    with pytest.raises(DataError, match="must not keep its values in other files"):
        read_header(path, ["x"])


def test_what_h5py_says_of_damage_is_named() -> None:
    with (
        pytest.raises(DataError, match=r"the HDF5 file a\.h5 cannot be read: bad heap \(copy or make it again\)"),
        damage_named(Path("a.h5")),
    ):
        raise RuntimeError("bad heap")


def test_an_idx_file_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cortado.data.idx.LARGEST", 100)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes(101)))
    with pytest.raises(FormatError, match=f"{path}: an IDX file read here has at most 100 bytes"):
        read_idx(path)


def test_a_database_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=f"{tmp_path}/none: cannot write here: No such file or directory"):
        Lmdb.create(tmp_path / "none" / "db")


def test_a_database_that_cannot_get_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(FileError, match=f"{tmp_path}/db: cannot write: No space left"), Lmdb.create(tmp_path / "db"):
        monkeypatch.setattr(os, "rename", refuse)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_while_a_database_is_written(tmp_path: Path) -> None:
    lmdb = pytest.importorskip("lmdb")
    writer: Any = Lmdb.create(tmp_path / "db")

    class Full:
        def begin(self, **_: Any) -> Any:
            raise lmdb.DiskError("No space left on device")

        def close(self) -> None:
            real.close()

    writer.put(b"0", b"x")
    real, writer._environment = writer._environment, Full()
    with pytest.raises(FileError, match=f"{tmp_path}/db: cannot write: No space left on device"), writer:
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_lmdb_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "db" / "data.mdb").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match=f"cannot read the LMDB database {tmp_path}/db/data.mdb: Is a directory"):
        Lmdb(tmp_path / "db")
    with pytest.raises(FileError, match=f"cannot open the LMDB database {tmp_path}/empty/data.mdb: No such file"):
        LmdbFile(tmp_path / "empty" / "data.mdb")


def test_an_image_of_a_folder_that_is_gone(tmp_path: Path) -> None:
    from cortado.data import images

    (tmp_path / "cats").mkdir()
    path = tmp_path / "cats" / "a.png"
    path.write_bytes(images.encode(np.zeros((2, 2, 3), np.uint8), "png"))
    source = open_source("FOLDER", tmp_path)
    assert source.keys() == [b"cats/a.png"]
    path.unlink()
    with pytest.raises(DataError, match=f"cannot read the image {path}: No such file or directory"):
        source.get(0)


def test_leveldb(tmp_path: Path) -> None:
    pytest.importorskip("plyvel")
    with create_source("LEVELDB", tmp_path / "db") as writer:
        writer.put(b"0", b"x")
    source = open_source("LEVELDB", tmp_path / "db")
    with pytest.raises(DataError, match=f"the LevelDB database {tmp_path}/db has no record '1'"):
        source.read(b"1")
    with pytest.raises(FileError, match="LevelDB needs write access, and no other process that has it open"):
        leveldb._open(tmp_path / "db")
    source.close()
