"""LMDB, the database that Caffe's own examples use: one file, read by many processes at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import ge
from pathlib import Path
from typing import ClassVar

from ...errors import DataError, FileError
from ...plugins import hookimpl
from .base import Record, Source, SourceWriter, check_folder
from .lmdb_file import DAMAGED, LmdbFile
from .lmdb_tree import Tree


class Lmdb(Source):
    """A folder with a ``data.mdb`` (or that file itself).

    It is read without the package lmdb, whose C code trusts its files (``lmdb_file`` says more). Nothing is written,
    not even a lock file, so the folder may be read-only; do not write to a database that is read.

    Errors, besides those of all sources: DataError that names the page that is damaged, and the rule that it breaks.
    """

    type: ClassVar[str] = "LMDB"

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        check_folder(self.path, Lmdb.type)
        file = self.path / "data.mdb" if self.path.is_dir() else self.path
        self._open: Tree | None = Tree(LmdbFile(file))
        self._first: list[int] = []
        self._leaves: list[int] = []

    def __len__(self) -> int:
        return self._tree.file.head.entries

    def records(self, start: int = 0, step: int = 1) -> Iterator[Record]:
        tree, leaves, skip = self._tree, None, start
        if start and self._leaves:
            there = bisect_right(self._first, start) - 1
            leaves, skip = iter(self._leaves[there:]), start - self._first[there]
        return tree.records(tree.pages(leaves or tree.leaves()), skip, step)

    def list_keys(self) -> Sequence[bytes]:
        tree = self._tree
        keys: list[bytes] = []
        first, leaves = [], []
        for page in tree.pages(tree.leaves()):
            first.append(len(keys))
            leaves.append(page.number)
            keys += tree.keys(page)
        if len(keys) != len(self) or any(map(ge, keys, islice(keys, 1, None))):
            rule = f"the LMDB database {self.path.absolute()} must hold the {len(self)} records, their keys rising,"
            raise DataError(f"{rule} that its head tells of", got=f"{len(keys)}", hint=DAMAGED)
        self._first, self._leaves = first, leaves
        return keys

    def get(self, index: int) -> Record:
        key, tree = self.keys()[index], self._tree
        place = index % len(self)
        leaf = bisect_right(self._first, place) - 1
        page = tree.page(self._leaves[leaf])
        record = next(tree.records(iter((page,)), place - self._first[leaf]), None)
        if record is None or record.key != key:
            tree.file.fail(page.number, f"the record {key!r} must stay where it was")
        return record

    def read(self, key: bytes) -> bytes:
        record = self._tree.find(key)
        if record is None:
            raise DataError(f"the LMDB database {self.path} has no record '{key.decode('utf-8', 'replace')}'")
        return record.value

    def close(self) -> None:
        super().close()
        self._open = None
        self._first, self._leaves = [], []

    @property
    def _tree(self) -> Tree:
        if self._open is None:
            raise FileError(f"the LMDB database {self.path.absolute()} has been closed")
        return self._open

    @classmethod
    def create(cls, path: str | Path) -> SourceWriter:
        from .lmdb_writer import LmdbWriter

        return LmdbWriter(path)


@hookimpl
def cortado_sources() -> list[type[Source]]:
    return [Lmdb]
