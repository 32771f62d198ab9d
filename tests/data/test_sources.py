from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cortado.data import create_source, datum_to_array, open_source, parse_datum
from cortado.data.sources import detect_backend, lmdb_writer
from cortado.errors import DataError, FileError, MissingExtraError, PluginError

BACKENDS = ["LMDB", "LEVELDB"]


def fill(backend: str, path: Path, count: int = 12, width: int = 0) -> None:
    with create_source(backend, path) as writer:
        for number in range(count):
            writer.put(str(number).zfill(width).encode(), b"value %d" % number)


@pytest.mark.parametrize("backend", BACKENDS)
class TestDatabases:
    def test_records_come_in_the_byte_order_of_the_keys(self, backend, tmp_path):
        fill(backend, tmp_path / "db")
        source = open_source(backend, tmp_path / "db")
        expected = sorted(str(i).encode() for i in range(12))
        assert [r.key for r in source.records()] == expected
        assert expected[:3] == [b"0", b"1", b"10"]
        assert list(source.keys()) == expected
        assert source.get(2) == (b"10", b"value 10")
        assert source.get(2).name == "record '10'"
        assert len(source) == 12

    @pytest.mark.parametrize("listed", [False, True])
    @pytest.mark.parametrize(("start", "step"), [(0, 1), (3, 1), (0, 5), (2, 3), (11, 1), (12, 1), (13, 4)])
    def test_start_and_step(self, backend, tmp_path, start, step, listed):
        fill(backend, tmp_path / "db", width=2)
        source = open_source(backend, tmp_path / "db")
        if listed:
            source.keys()
        expected = [b"%02d" % i for i in range(12)][start::step]
        assert [r.key for r in source.records(start, step)] == expected

    def test_two_sources_of_one_path(self, backend, tmp_path):
        fill(backend, tmp_path / "db")
        one, two = open_source(backend, tmp_path / "db"), open_source(backend, tmp_path / "db")
        first, second = one.records(), two.records(5)
        assert next(first).key == b"0"
        assert next(second).key == b"3"
        one.close()
        assert next(second).key == b"4"
        with pytest.raises(FileError, match="has been closed"):
            next(one.records())

    def test_many_records_and_large_values(self, backend, tmp_path):
        with create_source(backend, tmp_path / "db") as writer:
            for number in range(2500):
                writer.put(b"%06d" % number, bytes([number % 251]) * 9000)
        source = open_source(backend, tmp_path / "db")
        assert len(source) == 2500
        assert source.get(2499).value == bytes([2499 % 251]) * 9000

    def test_keys_in_any_order(self, backend, tmp_path):
        order = np.random.default_rng(0).permutation(2500)
        with create_source(backend, tmp_path / "db") as writer:
            for number in order:
                writer.put(b"%06d" % number, b"x")
        assert list(open_source(backend, tmp_path / "db").keys()) == [b"%06d" % i for i in range(2500)]

    @pytest.mark.parametrize("between", [0, 1500])
    def test_a_key_given_twice_is_refused(self, backend, tmp_path, between):
        with create_source(backend, tmp_path / "db") as writer:
            writer.put(b"7", b"a")
            for number in range(between):
                writer.put(b"8%06d" % number, b"x")
            with pytest.raises(DataError, match="a key of its own; got 7"):
                writer.put(b"7", b"b")

    def test_what_fails_leaves_nothing(self, backend, tmp_path):
        def fail() -> None:
            with create_source(backend, tmp_path / "db") as writer:
                writer.put(b"1", b"a")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_overwritten(self, backend, tmp_path):
        fill(backend, tmp_path / "db")
        with pytest.raises(FileError, match=r"db: a new database must not exist yet \(remove it"):
            create_source(backend, tmp_path / "db")
        assert len(open_source(backend, tmp_path / "db")) == 12

    def test_no_records(self, backend, tmp_path):
        with create_source(backend, tmp_path / "db"):
            pass
        with pytest.raises(FileError, match="db holds no records"):
            open_source(backend, tmp_path / "db").first()

    def test_a_path_that_is_not_there_says_what_is(self, backend, tmp_path):
        (tmp_path / "train_lmdb").mkdir()
        with pytest.raises(FileError) as caught:
            open_source(backend, tmp_path / "trian_lmdb")
        message = str(caught.value)
        assert f"there is no {backend} database at {tmp_path / 'trian_lmdb'}" in message
        assert "did you mean 'train_lmdb'?" in message
        assert f"working directory: {Path.cwd()}" in message
        assert f"{tmp_path} holds train_lmdb" in message

    def test_a_folder_without_a_database(self, backend, tmp_path):
        (tmp_path / "readme.txt").touch()
        with pytest.raises(FileError, match=r"must hold a database .*; got readme.txt"):
            open_source(backend, tmp_path)

    def test_the_other_backend_is_recognised(self, backend, tmp_path):
        fill(backend, tmp_path / "db")
        other = next(b for b in BACKENDS if b != backend)
        with pytest.raises(
            FileError, match=rf"of the backend {other}; got one of {backend} \(write backend: {backend}\)"
        ):
            open_source(other, tmp_path / "db")
        assert detect_backend(tmp_path / "db") == backend

    def test_a_missing_package_names_its_extra(self, backend, tmp_path, monkeypatch):
        fill(backend, tmp_path / "db")
        package = {"LMDB": "lmdb", "LEVELDB": "plyvel"}[backend]
        monkeypatch.setitem(sys.modules, package, None)
        message = rf"needs the package {package} \(pip install 'cortado\[{backend.lower()}\]"
        with pytest.raises(MissingExtraError, match=message):
            create_source(backend, tmp_path / "new")
        if backend == "LEVELDB":
            with pytest.raises(MissingExtraError, match=message):
                open_source(backend, tmp_path / "db")


def test_lmdb_leaves_no_lock_and_reads_a_folder_that_is_read_only(tmp_path):
    fill("LMDB", tmp_path / "db")
    assert os.listdir(tmp_path / "db") == ["data.mdb"]
    (tmp_path / "db" / "data.mdb").chmod(0o444)
    (tmp_path / "db").chmod(0o555)
    try:
        assert len(list(open_source("LMDB", tmp_path / "db").records())) == 12
        assert os.listdir(tmp_path / "db") == ["data.mdb"]
    finally:
        (tmp_path / "db").chmod(0o755)


def test_lmdb_file_itself(tmp_path):
    fill("LMDB", tmp_path / "db")
    assert len(open_source("LMDB", tmp_path / "db" / "data.mdb")) == 12


def test_lmdb_that_was_made_again_is_read_anew(tmp_path):
    fill("LMDB", tmp_path / "db", 3)
    assert len(open_source("LMDB", tmp_path / "db")) == 3
    (tmp_path / "db" / "data.mdb").unlink()
    (tmp_path / "db").rmdir()
    fill("LMDB", tmp_path / "db", 5)
    assert len(open_source("LMDB", tmp_path / "db")) == 5


def test_lmdb_grows_as_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdb_writer, "START_SIZE", 2**16)
    with create_source("LMDB", tmp_path / "db") as writer:
        for number in range(1200):
            writer.put(b"%05d" % number, bytes(500))
    assert len(open_source("LMDB", tmp_path / "db")) == 1200


def test_lmdb_that_is_damaged(tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"junk" * 4096)
    with pytest.raises(FileError, match="cannot open the LMDB database"):
        open_source("LMDB", tmp_path)


def test_lmdb_long_keys_are_refused(tmp_path):
    with pytest.raises(DataError, match="1 to 511 bytes; got 600"), create_source("LMDB", tmp_path / "db") as writer:
        writer.put(b"k" * 600, b"")


def test_unknown_backend():
    with pytest.raises(PluginError, match=r"unknown database backend 'LMBD' .*did you mean 'LMDB'"):
        open_source("LMBD", "x")


def test_no_database_to_detect(tmp_path):
    with pytest.raises(FileError, match="there is no database at"):
        detect_backend(tmp_path / "x")
    with pytest.raises(FileError, match="must hold a database; got nothing"):
        detect_backend(tmp_path)


def test_folder_of_images(tmp_path, photo):
    for name in ("dog/b.png", "cat/a.png", "cat/.hidden.png", "cat/notes.txt", "dog/c.PNG"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if name.endswith("txt"):
            path.touch()
        else:
            Image.fromarray(photo[..., ::-1]).save(path, "PNG")
    source = open_source("FOLDER", tmp_path)
    assert list(source.keys()) == [b"cat/a.png", b"dog/b.png", b"dog/c.PNG"]
    datums = [parse_datum(r.value, r.name) for r in source.records()]
    assert [d.label for d in datums] == [0, 1, 1]
    np.testing.assert_array_equal(datum_to_array(datums[2]), photo.transpose(2, 0, 1))
    assert [r.key for r in source.records(1, 2)] == [b"dog/b.png"]
    with pytest.raises(PluginError, match="can only be read"):
        create_source("FOLDER", tmp_path / "new")
    with pytest.raises(FileError, match="there is no folder of images"):
        open_source("FOLDER", tmp_path / "nowhere")
