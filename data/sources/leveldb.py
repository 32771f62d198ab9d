"""LevelDB, the default backend of ``data_param``: a folder of sorted tables that one process at a time may open."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
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
"""Records that are written in one batch."""


_databases = SharedHandles()


class LevelDb(Source):
    """A folder with the tables of a LevelDB. It must be writable, because LevelDB keeps its lock and its log there."""

    type: ClassVar[str] = "LEVELDB"

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        check_folder(self.path, LevelDb.type)
        opened = partial(_open, self.path, create_if_missing=False, max_open_files=100)
        self._database, self._release = _databases.take(self, os.path.realpath(self.path), opened)

    def records(self, start: int = 0, step: int = 1) -> Iterator[Record]:
        known = self._keys is not None and start < len(self._keys)
        first = self._keys[start] if known and self._keys is not None else None
        with self._handle.iterator(start=first) as iterator:
            for key, value in islice(iterator, 0 if known else start, None, step):
                yield Record(key, value)

    def list_keys(self) -> Sequence[bytes]:
        with self._handle.iterator(include_value=False) as iterator:
            return list(iterator)

    def read(self, key: bytes) -> bytes:
        value = self._handle.get(key)
        if value is None:
            raise DataError(f"the LevelDB database {self.path} has no record '{key.decode('utf-8', 'replace')}'")
        return bytes(value)

    def close(self) -> None:
        super().close()
        self._database = None
        self._release()

    @property
    def _handle(self) -> Any:
        if self._database is None:
            raise FileError(f"the LevelDB database {self.path.absolute()} has been closed")
        return self._database

    @classmethod
    def create(cls, path: str | Path) -> SourceWriter:
        return LevelDbWriter(path)


def _open(path: Path, **options: Any) -> Any:
    plyvel = need("plyvel", "plyvel", "leveldb", "a LevelDB database")
    try:
        return plyvel.DB(str(path), **options)
    except plyvel.Error as error:
        text = error.args[0].decode("utf-8", "replace") if error.args else str(error)
        hint = "LevelDB needs write access, and no other process that has it open" if "LOCK" in text else None
        raise FileError(f"cannot open the LevelDB database {path.absolute()}: {text}", hint=hint) from None


class LevelDbWriter(SourceWriter):
    """Writes a new LevelDB."""

    def __init__(self, path: str | Path) -> None:
        self._error = need("plyvel", "plyvel", "leveldb", "writing a LevelDB database").Error
        self._waiting: dict[bytes, bytes] = {}
        self._last = b""
        super().__init__(path)

    def begin(self, folder: Path) -> None:
        options = {"create_if_missing": True, "error_if_exists": True, "write_buffer_size": 64 * 2**20}
        self._database = _open(folder, **options)

    def add(self, key: bytes, value: bytes) -> bool:
        if key in self._waiting or (key <= self._last and self._database.get(key) is not None):
            return False
        self._waiting[key] = value
        if len(self._waiting) >= AT_ONCE:
            self._write()
        return True

    def _write(self, sync: bool = False) -> None:
        with self.writing(self._error), self._database.write_batch(sync=sync) as batch:
            for key, value in self._waiting.items():
                batch.put(key, value)
        self._last = max([self._last, *self._waiting])
        self._waiting.clear()

    def finish(self) -> None:
        try:
            self._write(sync=True)
        finally:
            self._database.close()

    def abandon(self) -> None:
        self._database.close()


@hookimpl
def cortado_sources() -> list[type[Source]]:
    return [LevelDb]
