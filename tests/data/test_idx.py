from __future__ import annotations

import gzip

import numpy as np
import pytest

from cortado.data.idx import find_idx, read_idx
from cortado.errors import FileError, FormatError


def idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 3, 2)])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_read(tmp_path, shape, ending):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / f"images{ending}"
    path.write_bytes(gzip.compress(idx(array)) if ending else idx(array))
    np.testing.assert_array_equal(read_idx(path), array)
    assert find_idx(tmp_path, "other", "images") == path


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0\x0d\x01\0\0\0\x01abcd", b"\0\0\x08\x01\0\0\0\x05abc", b"\0\0\x08\x03\0\0", b"\x1f\x8b\x08\0\0"],
)
def test_other_files(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FormatError, match="IDX file of"):
        read_idx(tmp_path / "x")


def test_damaged_or_missing(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx(np.zeros(5)))[:-9])
    with pytest.raises(FileError, match="cannot unpack"):
        read_idx(tmp_path / "x.gz")
    with pytest.raises(FileError, match=r"there is no IDX file .*at .*train-images"):
        find_idx(tmp_path, "train-images")
