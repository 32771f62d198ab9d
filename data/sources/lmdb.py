"""LMDB, the database that Caffe's own examples use: one file, read by many processes at once."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from ...errors import DataError, FileError
from ...plugins import hookimpl
from ..optional import need
from .base import Record, Source, SourceWriter, check_folder
from .shared import SharedHandles

AT_ONCE = 1000
"""Records that are written in one transaction."""

START_SIZE = 16 * 2**20
"""Bytes that a new database may grow to before its limit is doubled."""

MOST_KEY = 511
"""Bytes in a key, as LMDB is usually built."""


META = struct.Struct("=16x I 20x I 4x QQQ 16x 8x QQQ 16x 8x Q")
"""What counts of a head page (there are two): magic, page size, pages in use of the free list and of the records
(branches, leaves, overflow), and the number of the transaction that wrote it."""
MAGIC = 0xBEEFC0DE
PAGE_SIZE, USED_PAGES = 1, (2, 3, 4, 5, 6, 7)

_environments = SharedHandles()


class Lmdb(Source):
    """A folder with a ``data.mdb`` (or that file itself).

    Nothing is written, not even a lock file, so the folder may be read-only; do not write to a database that is read.
    """

    type: ClassVar[str] = "LMDB"

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        check_folder(self.path, self.type)
        file = self.path / "data.mdb" if self.path.is_dir() else self.path
        key = (os.path.realpath(self.path), file.stat().st_ino)
        check_head(file)
        self._environment, self._release = _environments.take(self, key, partial(_open, self.path))

    def __len__(self) -> int:
        return int(self._handle.stat()["entries"])

    def records(self, start: int = 0, step: int = 1) -> Iterator[Record]:
        with self._damage_named(), self._handle.begin() as transaction, transaction.cursor() as cursor:
            there = cursor.first()
            if start and self._keys is not None:
                there = start < len(self._keys) and cursor.set_key(self._keys[start])
            elif start:
                there = _advance(cursor, start)
            while there:
                yield Record(*cursor.item())
                there = _advance(cursor, step)

    def list_keys(self) -> Sequence[bytes]:
        with self._damage_named(), self._handle.begin() as transaction, transaction.cursor() as cursor:
            return list(cursor.iternext(keys=True, values=False))

    def read(self, key: bytes) -> bytes:
        with self._damage_named(), self._handle.begin() as transaction:
            value = transaction.get(key)
        if value is None:
            raise DataError(f"the LMDB database {self.path} has no record '{key.decode('utf-8', 'replace')}'")
        return bytes(value)

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        """Turn what LMDB says of pages that cannot be into an error that names the database."""
        lmdb = need("lmdb", "lmdb", "lmdb", "reading an LMDB database")
        try:
            yield
        except lmdb.Error as error:
            rule = f"the LMDB database {self.path.absolute()} cannot be read: {error}"
            raise DataError(rule, hint="copy or make it again") from None

    def close(self) -> None:
        super().close()
        self._environment = None
        self._release()

    @property
    def _handle(self) -> Any:
        if self._environment is None:
            raise FileError(f"the LMDB database {self.path.absolute()} has been closed")
        return self._environment

    @classmethod
    def create(cls, path: str | Path) -> SourceWriter:
        return LmdbWriter(path)


def check_head(file: Path) -> None:
    """See that *file* begins as LMDB files do, and is as long as the pages in use need.

    LMDB itself trusts its files: one that was cut off ends the process when the missing part is touched. Other damage
    within it goes unnoticed here. Errors: FileError.
    """
    with file.open("rb") as stream:
        head = stream.read(META.size)
        page = META.unpack(head)[PAGE_SIZE] if len(head) == META.size else 0
        stream.seek(page if 512 <= page <= 65536 else 0)
        metas = [META.unpack(part) for part in (head, stream.read(META.size)) if len(part) == META.size]
        size = stream.seek(0, os.SEEK_END)
    metas = [meta for meta in metas if meta[0] == MAGIC]
    if not metas or not 512 <= page <= 65536:
        rule = f"cannot open the LMDB database {file.absolute()}: it must be an LMDB file"
        raise FileError(rule, got=f"{size} bytes that do not begin like one")
    newest = max(metas, key=lambda meta: int(meta[-1]))
    pages = 2 + sum(newest[index] for index in USED_PAGES)
    if pages * page > size:
        rule = f"cannot open the LMDB database {file.absolute()}: its records need at least {pages * page} bytes"
        raise FileError(rule, got=f"{size}", hint="it was cut off; copy it again")


def _open(path: Path) -> Any:
    lmdb = need("lmdb", "lmdb", "lmdb", "reading an LMDB database")
    try:
        return lmdb.open(str(path), subdir=path.is_dir(), readonly=True, lock=False, meminit=False)
    except lmdb.Error as error:
        hint = "close it there first" if "already open" in str(error) else None
        raise FileError(f"cannot open the LMDB database {path.absolute()}: {error}", hint=hint) from None


def _advance(cursor: Any, steps: int) -> bool:
    """Move on by *steps* records; False at the end."""
    return all(cursor.next() for _ in range(steps)) if steps < 1000 else _far(cursor, steps)


def _far(cursor: Any, steps: int) -> bool:
    return next(islice(cursor.iternext(keys=True, values=False), steps, None), None) is not None


class LmdbWriter(SourceWriter):
    """Writes a new LMDB; the file is as long as its contents need."""

    def __init__(self, path: str | Path) -> None:
        self._lmdb = need("lmdb", "lmdb", "lmdb", "writing an LMDB database")
        super().__init__(path)
        self._environment = self._lmdb.open(str(self._folder), map_size=START_SIZE, lock=False, sync=False)
        self._size = START_SIZE
        self._waiting: dict[bytes, bytes] = {}
        self._last = b""

    def add(self, key: bytes, value: bytes) -> bool:
        if not 0 < len(key) <= MOST_KEY:
            raise DataError(f"keys of an LMDB have 1 to {MOST_KEY} bytes", got=f"{len(key)}: {key[:60]!r} …")
        if key in self._waiting or (key <= self._last and self._has(key)):
            return False
        self._waiting[key] = value
        if len(self._waiting) >= AT_ONCE:
            self._write()
        return True

    def _has(self, key: bytes) -> bool:
        with self._environment.begin() as transaction:
            return transaction.get(key) is not None

    def _write(self) -> None:
        """Write the waiting records in one transaction, again with twice the room whenever it does not suffice."""
        keys = sorted(self._waiting)
        append = bool(keys) and keys[0] > self._last
        while True:
            try:
                with self._environment.begin(write=True) as transaction:
                    for key in keys:
                        transaction.put(key, self._waiting[key], append=append)
                break
            except self._lmdb.MapFullError:
                self._size *= 2
                self._environment.set_mapsize(self._size)
            except self._lmdb.Error as error:
                raise FileError(f"cannot write: {error}", where=str(self.path.absolute())) from None
        self._last = max([self._last, *keys[-1:]])
        self._waiting.clear()

    def finish(self) -> None:
        self._write()
        self._environment.sync(True)
        self._environment.close()

    def abandon(self) -> None:
        self._environment.close()


@hookimpl
def cortado_sources() -> list[type[Source]]:
    return [Lmdb]
