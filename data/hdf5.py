"""Rows of HDF5 files: datasets of equal length, read row by row across any number of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, FileError, nearest
from ..proto.files import check_name
from .optional import need_h5py
from .sources import missing

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

MOST_COMPRESSED = 1100
"""By how much datasets may be larger than their file: a little more than zlib ever reaches."""

KEPT_BYTES = 256 * 2**20
"""Bytes of rows that are kept in memory; files larger than this are read piece by piece."""


@dataclass(frozen=True)
class Header:
    """What is known of a file without reading its rows: the shape of a row per dataset, and how many there are."""

    path: Path
    rows: int
    shapes: dict[str, Shape]
    bytes: int


def read_header(path: Path, names: Sequence[str]) -> Header:
    """Look at the datasets *names* of *path*.

    Errors: FileError for what is no HDF5 file; DataError for a dataset that is not there, has no axes, holds no
    numbers, or has another number of rows than the first.
    """
    with damage_named(path), open_hdf5(path) as file:
        found = {name: _dataset(file, name, path) for name in names}
        counts = {name: d.shape[0] for name, d in found.items()}
        rows = counts[names[0]]
        if set(counts.values()) != {rows}:
            raise DataError(f"the datasets of {path} must have equal numbers of rows", got=str(counts))
        if not rows:
            raise DataError(f"{path} must hold at least one row", got=str({n: d.shape for n, d in found.items()}))
        size = sum(int(d.size) * d.dtype.itemsize for d in found.values())
        if size > MOST_COMPRESSED * path.stat().st_size:
            rule = f"the datasets of {path} must be at most {MOST_COMPRESSED} times as large as the file"
            raise DataError(rule, got=f"{size} bytes declared", hint="zlib never makes more of a file than that")
        return Header(path, rows, {name: tuple(d.shape[1:]) for name, d in found.items()}, size)


def open_hdf5(path: Path) -> Any:
    """The file *path*, opened by h5py to be read. Errors: FileError, MissingExtraError."""
    h5py = need_h5py("reading HDF5 files")
    check_name("open", path, "HDF5 file")
    if not os.path.isfile(path):
        raise missing(path, "HDF5 file")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FileError(f"cannot open the HDF5 file {path.absolute()}: {error}") from None


DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError)
"""What h5py raises for files whose inside is damaged."""


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what h5py has to say about a damaged file into a DataError that names it."""
    try:
        yield
    except DAMAGE as error:
        raise DataError(f"the HDF5 file {path} cannot be read: {error}", hint="copy or make it again") from None


class Hdf5Rows:
    """All rows of some files, counted from 0 through all of them.

    *names* are the datasets; *headers* says what each file holds. Files are read whole, and kept as long as all that is
    kept stays below ``KEPT_BYTES``; from larger ones just the rows asked for are read.

    Errors: DataError when the files do not agree in the shape of a row.
    """

    def __init__(self, headers: Sequence[Header], names: Sequence[str]) -> None:
        self.headers, self.names = headers, names
        for header in headers[1:]:
            for name in names:
                if header.shapes[name] != headers[0].shapes[name]:
                    raise DataError(
                        f"rows of '{name}' must have one shape, {headers[0].shapes[name]} in {headers[0].path}",
                        got=f"{header.shapes[name]} in {header.path}",
                    )
        self.starts = np.concatenate([[0], np.cumsum([h.rows for h in headers])])
        self._kept: dict[int, dict[str, Array]] = {}
        self._file: tuple[int, Any] | None = None

    def __len__(self) -> int:
        return int(self.starts[-1])

    def shape(self, name: str) -> Shape:
        """The shape of a row of the dataset *name*."""
        return self.headers[0].shapes[name]

    def name(self, row: int) -> str:
        """What messages call row number *row*."""
        file = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"row {row - int(self.starts[file])} of {self.headers[file].path}"

    def shuffled(self, rng: np.random.Generator) -> Array:
        """All rows in a random order that takes the files one after the other."""
        order = [self.starts[f] + rng.permutation(self.headers[f].rows) for f in rng.permutation(len(self.headers))]
        return np.concatenate(order)

    def read(self, rows: Array, write: Callable[[str, slice, Array], None]) -> None:
        """Call *write* with each dataset's name, places within *rows*, and the values for those places."""
        files = np.searchsorted(self.starts, rows, side="right") - 1
        edges = [0, *(np.flatnonzero(np.diff(files)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(edges):
            file = int(files[begin])
            local = rows[begin:end] - self.starts[file]
            for name in self.names:
                write(name, slice(begin, end), self._values(file, name, local))

    def _values(self, file: int, name: str, rows: Array) -> Array:
        with damage_named(self.headers[file].path):
            return self._read(file, name, rows)

    def _read(self, file: int, name: str, rows: Array) -> Array:
        if file in self._kept or self.headers[file].bytes <= KEPT_BYTES:
            whole = self._load(file)[name]
            return whole[rows[0] : rows[-1] + 1] if _in_order(rows) else whole[rows]
        dataset = self._open(file)[name]
        if _in_order(rows):
            return np.asarray(dataset[int(rows[0]) : int(rows[-1]) + 1])
        wanted, places = np.unique(rows, return_inverse=True)
        return np.asarray(dataset[wanted])[places]

    def _load(self, file: int) -> dict[str, Array]:
        if file not in self._kept:
            while self._kept and sum(self.headers[f].bytes for f in (*self._kept, file)) > KEPT_BYTES:
                del self._kept[next(iter(self._kept))]
            with open_hdf5(self.headers[file].path) as handle:
                self._kept[file] = {name: np.asarray(handle[name][...]) for name in self.names}
        return self._kept[file]

    def _open(self, file: int) -> Any:
        if self._file is None or self._file[0] != file:
            if self._file is not None:
                self._file[1].close()
            self._file = (file, open_hdf5(self.headers[file].path))
        return self._file[1]


def _in_order(rows: Array) -> bool:
    return bool(rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all())


def refuse_elsewhere(group: Any, name: str, path: str | Path) -> None:
    """See that *name* of an HDF5 group keeps its values in its own file. Errors: DataError."""
    if name in group and type(group.get(name, getlink=True)).__name__ == "ExternalLink":
        raise DataError(f"'{name}' of {path} must not be a link to another file")
    found = group.get(name)
    if getattr(found, "is_virtual", False) or getattr(found, "external", None):
        raise DataError(f"dataset '{name}' of {path} must not keep its values in other files")


def _dataset(file: Any, name: str, path: Path) -> Any:
    refuse_elsewhere(file, name, path)
    found = file.get(name)
    if found is None or not hasattr(found, "dtype"):
        hint = nearest(name, map(str, file)) or f"it holds {', '.join(map(str, file)) or 'nothing'}"
        raise DataError(f"{path} has no dataset '{name}'", hint=hint)
    if found.dtype.kind not in "fiub":
        raise DataError(f"dataset '{name}' of {path} must hold numbers", got=str(found.dtype))
    if not found.shape:
        raise DataError(f"dataset '{name}' of {path} must have rows, that is, at least one axis", got="a single value")
    return found
