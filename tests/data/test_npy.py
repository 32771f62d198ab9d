from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest

from cortado.data.npy import parse_npy, read_npz

ARRAYS = {
    "float": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "scalar": np.array(7, np.int64),
    "empty": np.zeros((0, 5), np.uint8),
    "big-endian": np.arange(3, dtype=">i4"),
    "bool": np.array([True, False]),
    "half": np.ones(2, np.float16),
    "complex": np.array([1j]),
    "text": np.array(["a", "bcd"]),
    "table": np.zeros(2, [("x", "<f4"), ("y", "<i2", (2,))]),
}


def saved(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(stream, array, version, allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("name", ARRAYS)
def test_what_numpy_wrote(name: str, version: tuple[int, int]) -> None:
    got = parse_npy(saved(ARRAYS[name], version))
    np.testing.assert_array_equal(got, ARRAYS[name])
    assert got.dtype == ARRAYS[name].dtype
    assert got.flags.writeable


def test_archives(tmp_path: Path) -> None:
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **ARRAYS)
        got = read_npz(tmp_path / "a.npz")
        assert list(got) == list(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(got[name], array)


def header(text: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin1") + content


def test_a_header_of_python_2() -> None:
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 1L), }"
    np.testing.assert_array_equal(parse_npy(header(text, bytes(8))), np.zeros((2, 1)))


SHAPE = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "this is no array"),
        (b"\x93NUMPY\x01\x00", "this is no array"),
        (b"\x93NUMPY\x09\x00" + bytes(9), "an array of version 9"),
        (b"\x93NUMPY\x02\x00" + b"\xff" * 9, "a header of 4294967295 bytes"),
        (header(SHAPE % "(10**12,)"), "damaged"),
        (header(SHAPE % "(1000000000000,)", bytes(9)), r"not that of its shape \(1000000000000,\) of float32: 9 bytes"),
        (header(SHAPE % "(0, 99999999999999999999)"), "no header of an array of numbers"),
        (header(SHAPE % "(-1,)"), "no header of an array of numbers"),
        (header(SHAPE % "(True,)", bytes(4)), "no header of an array of numbers"),
        (header(SHAPE % ("(" + "1," * 40 + ")"), bytes(4)), "no header of an array of numbers"),
        (header(SHAPE % ("(" * 5000)), "damaged"),
        (header(SHAPE % "("), "damaged"),
        (header("{'descr': '''"), "damaged"),
        (header("  1\n 2\n  3"), "damaged"),
        (header("__import__('os').getpid()"), "damaged"),
        (header(SHAPE.replace("<f4", "<V0") % "(9,)"), "no header of an array of numbers"),
        (header(SHAPE.replace("<f4", "f4,f4") % "(9,)"), "damaged"),
        (saved(np.array([{}], object)), "arrays of Python objects, which are pickles, are never loaded"),
    ],
)  # fmt: skip
def test_damage(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_npy(data)
