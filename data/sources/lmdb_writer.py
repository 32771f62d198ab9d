"""Writing LMDB databases, which the package lmdb does."""

from __future__ import annotations

from pathlib import Path

from ...errors import DataError
from ..optional import need
from .base import SourceWriter

AT_ONCE = 1000
"""Records that are written in one transaction."""

START_SIZE = 16 * 2**20
"""Bytes that a new database may grow to before its limit is doubled."""

MOST_KEY = 511
"""Bytes in a key, as LMDB is usually built."""


class LmdbWriter(SourceWriter):
    """Writes a new LMDB; the file is as long as its contents need."""

    def __init__(self, path: str | Path) -> None:
        self._lmdb = need("lmdb", "lmdb", "lmdb", "writing an LMDB database")
        self._size = START_SIZE
        self._waiting: dict[bytes, bytes] = {}
        self._last = b""
        super().__init__(path)

    def begin(self, folder: Path) -> None:
        with self.writing(self._lmdb.Error):
            self._environment = self._lmdb.open(str(folder), map_size=START_SIZE, lock=False, sync=False)

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
            with self.writing(self._lmdb.Error):
                try:
                    with self._environment.begin(write=True) as transaction:
                        for key in keys:
                            transaction.put(key, self._waiting[key], append=append)
                    break
                except self._lmdb.MapFullError:
                    self._size *= 2
                    self._environment.set_mapsize(self._size)
        self._last = max([self._last, *keys[-1:]])
        self._waiting.clear()

    def finish(self) -> None:
        try:
            self._write()
            with self.writing(self._lmdb.Error):
                self._environment.sync(True)
        finally:
            self._environment.close()

    def abandon(self) -> None:
        self._environment.close()
