"""Lists of files with labels: one ``path label`` per line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..proto import read_text
from .sources import missing


class Item(NamedTuple):
    """A line of a list: a path as it is written there, and its label."""

    path: str
    label: int


@dataclass(frozen=True)
class FileList:
    """The lines of a list, by number."""

    items: tuple[Item, ...]

    def __len__(self) -> int:
        return len(self.items)

    def get(self, index: int) -> Item:
        return self.items[index]


def read_list(path: Path) -> FileList:
    """The list in *path*. A line ends with its label, a whole number, after a space; what is before it is the path,
    which may hold spaces. Empty lines count for nothing.

    Errors: FileError for a list that is not there; DataError with the line for one that is not of this form.
    """
    if not os.path.isfile(path):
        raise missing(path, "list of images")
    items = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            items.append(_item(line, f"{path}:{number}"))
    if not items:
        raise DataError("a list of images must have at least one line", where=str(path))
    return FileList(tuple(items))


def beneath(root: str, path: str, resolve: Callable[[str], Path] = Path) -> Path:
    """Where *path* of a list leads: *root* is put before it as it stands, or with a slash if that finds nothing.

    *resolve* finds the file of what comes out.
    """
    plain = resolve(root + path)
    return plain if not root or root.endswith("/") or os.path.exists(plain) else resolve(f"{root}/{path}")


def _item(line: str, where: str) -> Item:
    parts = line.strip().rsplit(maxsplit=1)
    try:
        return Item(parts[0], int(parts[1]))
    except (IndexError, ValueError):
        hint = "labels that are no whole numbers, or several of them, go into HDF5 files (HDF5Data)"
        raise DataError(
            "each line must be a path, a space, and a whole number", where=where, got=repr(line), hint=hint
        ) from None
