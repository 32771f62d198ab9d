from __future__ import annotations

import numpy as np
import pytest

from cortado.data import compute_mean, open_source, read_mean, write_mean
from cortado.errors import DataError, FileError, FormatError
from cortado.proto import Schema, array_to_blob, atomic_write


def test_round_trip_in_the_old_form(tmp_path):
    mean = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    write_mean(tmp_path / "mean.binaryproto", mean)
    np.testing.assert_array_equal(read_mean(tmp_path / "mean.binaryproto"), mean)
    blob = Schema.stock().BlobProto.FromString((tmp_path / "mean.binaryproto").read_bytes())
    assert (blob.num, blob.channels, blob.height, blob.width) == (1, 3, 4, 5)
    assert not blob.HasField("shape")


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 3, 4, 5)])
def test_new_shapes_are_read(tmp_path, shape):
    blob = Schema.stock().BlobProto()
    array_to_blob(np.ones(shape, np.float32), blob)
    atomic_write(tmp_path / "m", blob.SerializeToString())
    assert read_mean(tmp_path / "m").shape == (3, 4, 5)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (4, 5)])
def test_other_shapes_are_refused(tmp_path, shape):
    blob = Schema.stock().BlobProto()
    array_to_blob(np.ones(shape, np.float32), blob)
    atomic_write(tmp_path / "m", blob.SerializeToString())
    with pytest.raises(FormatError, match="1 x channels x height x width"):
        read_mean(tmp_path / "m")


def test_no_file_and_no_mean(tmp_path):
    with pytest.raises(FileError, match=r"nowhere\.binaryproto"):
        read_mean(tmp_path / "nowhere.binaryproto")
    (tmp_path / "junk").write_bytes(b"\xff" * 40)
    with pytest.raises(FormatError, match="junk"):
        read_mean(tmp_path / "junk")


def test_compute_mean(database):
    arrays = np.random.default_rng(1).integers(0, 256, (50, 3, 4, 5), dtype=np.uint8)
    mean, count = compute_mean(open_source("LMDB", database(arrays)).records())
    assert count == 50
    np.testing.assert_array_equal(mean, arrays.astype(np.float64).mean(axis=0).astype(np.float32))


def test_compute_mean_of_floats(database):
    arrays = np.random.default_rng(1).normal(size=(5, 1, 2, 2)).astype(np.float32)
    mean, _ = compute_mean(open_source("LMDB", database(list(arrays))).records())
    np.testing.assert_allclose(mean, arrays.mean(axis=0), rtol=1e-6)


def test_compute_mean_needs_equal_sizes_and_records(database):
    source = open_source("LMDB", database([np.zeros((1, 2, 2), np.uint8), np.zeros((1, 2, 3), np.uint8)]))
    with pytest.raises(DataError, match=r"record '00000001' differs; got \(1, 2, 3\)"):
        compute_mean(source.records())
    with pytest.raises(DataError, match="at least one record"):
        compute_mean([])
