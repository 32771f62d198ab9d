"""IDX files: the format that MNIST and its relatives are handed out in."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import FileError, FormatError
from ..proto import read_bytes
from .sources import missing

Array = npt.NDArray[Any]

UNSIGNED_BYTES = 0x08
LARGEST = 2**31
"""Bytes of values beyond which a file is taken for a mistake."""


def read_idx(path: Path) -> Array:
    """The array of unsigned bytes in *path*, which may be compressed by gzip.

    Errors: FileError; FormatError for another kind of file, or one that is cut off or too long.
    """
    where = str(path.absolute())
    content = _content(path)
    axes = content[3] if len(content) > 3 else 0
    if content[:3] != bytes([0, 0, UNSIGNED_BYTES]) or not 1 <= axes <= 4 or len(content) < 4 + 4 * axes:
        raise FormatError(
            "an IDX file of bytes must begin with 00 00 08, its number of axes and their sizes", where=where
        )
    shape = tuple(int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes))
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    count = int(np.prod(shape, dtype=np.int64))
    if values.size != count:
        raise FormatError(f"an IDX file of shape {shape} must hold {count} values", where=where, got=str(values.size))
    return values.reshape(shape)


def find_idx(folder: Path, *names: str) -> Path:
    """The file of one of *names* in *folder*, plain or with ``.gz``. Errors: FileError that says what is there."""
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if os.path.isfile(path):
                return path
    raise missing(folder / names[0], "IDX file (plain or .gz)")


def _content(path: Path) -> bytes:
    if path.suffix != ".gz":
        return read_bytes(path, LARGEST)
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise FileError(f"cannot unpack this file: {error}", where=str(path.absolute())) from None
    if len(content) > LARGEST:
        raise FormatError(f"an IDX file read here has at most {LARGEST} bytes", where=str(path.absolute()))
    return content
