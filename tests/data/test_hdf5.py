from __future__ import annotations

import h5py
import numpy as np
import pytest

from cortado.data import hdf5
from cortado.data.hdf5 import Hdf5Rows, read_header
from cortado.errors import DataError, FileError


@pytest.fixture
def files(tmp_path):
    paths, start = [], 0
    for number, rows in enumerate((5, 3, 8)):
        path = tmp_path / f"{number}.h5"
        with h5py.File(path, "w") as file:
            wide = np.arange(start, start + rows)[:, None, None] * np.ones((1, 2, 3))
            file.create_dataset("wide", data=wide.astype(np.float32))
            file.create_dataset("mark", data=np.arange(start, start + rows, dtype=np.int64))
        paths.append(path)
        start += rows
    return paths


def rows_of(files):
    names = ["wide", "mark"]
    return Hdf5Rows([read_header(path, names) for path in files], names)


def read(rows, wanted):
    got = {"wide": np.full((len(wanted), 2, 3), np.nan), "mark": np.full(len(wanted), np.nan)}

    def write(name, places, values):
        got[name][places] = values

    rows.read(np.array(wanted), write)
    return got


@pytest.mark.parametrize("kept", [2**28, 600, 0])
@pytest.mark.parametrize(
    "wanted", [[0, 1, 2], [3, 4, 5, 6], [7, 8], [15, 0, 1], [9, 9, 8, 15, 2, 2, 6], list(range(16)), [15]]
)
def test_any_rows_are_read_however_much_is_kept(files, wanted, kept, monkeypatch):
    monkeypatch.setattr(hdf5, "KEPT_BYTES", kept)
    rows = rows_of(files)
    for _ in range(2):
        got = read(rows, wanted)
        np.testing.assert_array_equal(got["mark"], wanted)
        np.testing.assert_array_equal(got["wide"][:, 1, 2], wanted)


def test_what_is_kept_stays_within_the_limit(files, monkeypatch):
    monkeypatch.setattr(hdf5, "KEPT_BYTES", 300)
    rows = rows_of(files)
    for start in range(16):
        read(rows, [start])
        assert sum(rows.headers[f].bytes for f in rows._kept) <= 300


def test_header(files):
    header = read_header(files[0], ["wide"])
    assert (header.rows, header.shapes, header.bytes) == (5, {"wide": (2, 3)}, 120)
    assert len(rows_of(files)) == 16


def test_shuffled_takes_one_file_after_the_other(files):
    rows = rows_of(files)
    order = rows.shuffled(np.random.default_rng(0))
    assert sorted(order) == list(range(16))
    runs = np.searchsorted(rows.starts, order, side="right")
    assert np.count_nonzero(np.diff(runs)) == 2
    assert not np.array_equal(order, rows.shuffled(np.random.default_rng(1)))


def test_datasets_that_cannot_be_used(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros((3, 2))
        file["short"] = np.zeros(2)
        file["empty"] = np.zeros((0, 2))
        file["single"] = 1.0
        file["text"] = ["a", "b", "c"]
        file.create_group("group")
    for names, message in (
        (["dat"], "no dataset 'dat' .did you mean 'data'?"),
        (["group"], "no dataset 'group'"),
        (["data", "short"], "equal numbers of rows; got {'data': 3, 'short': 2}"),
        (["empty"], "at least one row"),
        (["single"], "at least one axis"),
        (["text"], "must hold numbers"),
    ):
        with pytest.raises(DataError) as caught:
            read_header(path, names)
        assert message.replace(".did", "(did") in str(caught.value)


def test_rows_of_all_files_have_one_shape(files, tmp_path):
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file["wide"] = np.zeros((2, 2, 4))
        file["mark"] = np.zeros(2)
    with pytest.raises(
        DataError, match=r"rows of 'wide' must have one shape, \(2, 3\) in .*; got \(2, 4\) in .*odd.h5"
    ):
        rows_of([*files, tmp_path / "odd.h5"])


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileError, match="there is no HDF5 file at"):
        read_header(tmp_path / "nowhere.h5", ["data"])
    (tmp_path / "junk.h5").write_bytes(b"junk")
    with pytest.raises(FileError, match="cannot open the HDF5 file"):
        read_header(tmp_path / "junk.h5", ["data"])
