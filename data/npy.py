"""NumPy's files from strangers: ``.npy``, one array, and ``.npz``, a zip archive of such.

NumPy's own reader takes the memory that a header asks for, and its parser of headers has errors of many kinds; here a
header is read as a plain literal, and must fit its data. No pickle is read.
"""

from __future__ import annotations

import ast
import io
import math
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
OBJECTS = re.compile(r"'[<>|=]?O\d*'")
MAGIC = b"\x93NUMPY"
LONGEST_HEADER, MOST_AXES = 10_000, 32
KIND = re.compile(r"[<>|=]?[biufcSUmMV][0-9]{1,9}(\[[0-9A-Za-z]{1,9}\])?")
MOST_COMPRESSED = 1100
"""How much smaller than itself zip can pack data, at most."""
DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What reading damaged or encrypted archives raises."""


def parse_npy(data: bytes) -> Array:
    """The array in the bytes of an ``.npy`` file. Errors: ValueError that says what does not fit."""
    if not data.startswith(MAGIC) or len(data) < 12:
        raise ValueError("this is no array in NumPy's format")
    wide = data[6] > 1
    begin = 12 if wide else 10
    length = int.from_bytes(data[8:begin], "little")
    if not 1 <= data[6] <= 3 or length > LONGEST_HEADER:
        raise ValueError(f"an array of version {data[6]} with a header of {length} bytes")
    shape, by_columns, dtype = _header(data[begin : begin + length].decode("latin1"))
    at, count = begin + length, math.prod(shape)
    if count * dtype.itemsize != len(data) - at:
        raise ValueError(f"the size of an array is not that of its shape {shape} of {dtype}: {len(data) - at} bytes")
    flat = np.frombuffer(data, dtype, count, at) if count else np.empty(0, dtype)
    return flat.reshape(shape[::-1]).T.copy() if by_columns else flat.reshape(shape).copy()


def read_npz(file: Path | io.BytesIO) -> dict[str, Array]:
    """The arrays in an ``.npz`` archive by their names. Errors: those in ``DAMAGE``."""
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if entry.file_size > (entry.compress_size + 1) * MOST_COMPRESSED:
                rule = f"an array is at most {MOST_COMPRESSED} times as large as its part of the file"
                raise ValueError(f"'{entry.filename}': {rule}; {entry.file_size} bytes in {entry.compress_size}")
            try:
                arrays[entry.filename.removesuffix(".npy")] = parse_npy(archive.read(entry))
            except ValueError as error:
                raise ValueError(f"'{entry.filename}': {error}") from None
    return arrays


def _header(text: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type."""
    if OBJECTS.search(text):
        raise ValueError("arrays of Python objects, which are pickles, are never loaded")
    try:
        value = ast.literal_eval(re.sub(r"(\d)L\b", r"\1", text.strip()))  # Python 2 wrote 3L
        shape, by_columns, described = tuple(value["shape"]), value["fortran_order"], value["descr"]
        if isinstance(described, str) and not KIND.fullmatch(described):
            raise TypeError
        dtype = np.lib.format.descr_to_dtype(described)
    except (ValueError, SyntaxError, TypeError, LookupError, AttributeError, MemoryError, RecursionError):
        raise ValueError(f"this header of an array is damaged: {text[:80]!r}") from None
    sizes = len(shape) <= MOST_AXES and all(type(size) is int and 0 <= size < 2**62 for size in shape)
    if not sizes or not isinstance(by_columns, bool) or dtype.hasobject or not dtype.itemsize:
        raise ValueError(f"this is no header of an array of numbers: {text[:80]!r}")
    return shape, by_columns, dtype
