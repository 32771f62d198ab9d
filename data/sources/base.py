"""What a source of records is, and a writer of one: databases that a Data layer reads, whatever they are kept in."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import ClassVar, NamedTuple, Self, overload

from ...errors import DataError, FileError, PluginError, nearest
from ...proto.files import flush

SIGNS = {"LMDB": "data.mdb", "LEVELDB": "CURRENT"}
"""The file by which the folder of a database is known."""

LISTED = 8
"""Names that a message lists of a folder."""


class Record(NamedTuple):
    """One entry of a source: its key, and a serialized ``Datum``."""

    key: bytes
    value: bytes

    @property
    def name(self) -> str:
        """The record as messages name it."""
        return f"record '{self.key.decode('utf-8', 'backslashreplace')}'"

    def __str__(self) -> str:
        return self.name


class RecordNames(Sequence[str]):
    """The names of the records with these *keys*, each made when it is asked for."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        found = self.keys[index]
        return Record(found, b"").name if isinstance(found, bytes) else [Record(key, b"").name for key in found]


class Source(ABC):
    """Records in the order of their keys, read only.

    A subclass sets ``type``, the name of the backend (``data_param { backend: LMDB }``, or for names that the schema
    does not know ``cortado_data_param { backend: "…" }``), opens in ``__init__``, and implements ``records``, ``keys``,
    ``read`` and ``close``. One that can be written also implements ``create``.

    Errors of ``__init__``: FileError for a database that is not there or cannot be opened, MissingExtraError for a
    package that is not installed.

    Example::

        class Zip(Source):
            type = "ZIP"

            def __init__(self, path):
                super().__init__(path)
                self.file = zipfile.ZipFile(path)
            …
    """

    plugin_kind: ClassVar[str] = "sources"
    type: ClassVar[str] = ""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._keys: Sequence[bytes] | None = None

    @abstractmethod
    def records(self, start: int = 0, step: int = 1) -> Iterator[Record]:
        """Every *step*-th record from number *start* to the end, in the order of the keys (bytes, not numbers)."""

    @abstractmethod
    def list_keys(self) -> Sequence[bytes]:
        """All keys, in order."""

    @abstractmethod
    def read(self, key: bytes) -> bytes:
        """The value under *key*."""

    def close(self) -> None:
        """Let go of files; also happens when the source is no longer used."""
        self._keys = None

    @classmethod
    def create(cls, path: str | Path) -> SourceWriter:
        """A writer of a new database at *path*. Errors: FileError for a path that exists."""
        raise PluginError(f"sources of type {cls.type} can only be read")

    def __len__(self) -> int:
        return len(self.keys())

    def keys(self) -> Sequence[bytes]:
        """All keys, in order; listed on first use, which reads through the keys of the database."""
        if self._keys is None:
            self._keys = self.list_keys()
        return self._keys

    def get(self, index: int) -> Record:
        """Record number *index*."""
        key = self.keys()[index]
        return Record(key, self.read(key))

    def first(self) -> Record:
        """The first record. Errors: FileError for a source without records."""
        for record in self.records():
            return record
        raise FileError(f"the {self.type} database {self.path.absolute()} holds no records")


LITTLE = 2**20
"""Free bytes below which a disk counts as full."""


class SourceWriter(ABC):
    """Writes a database in a folder of another name, which becomes *path* when the ``with`` block ends well.

    Example::

        with Lmdb.create("train_lmdb") as writer:
            writer.put(b"00000000", datum.SerializeToString())

    Errors: FileError for a path that exists or cannot be written, DataError for a key that came before.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.count = 0
        check_new(self.path)
        self._folder = self.path.absolute().with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            self._folder.mkdir()
        except OSError as error:
            raise FileError(f"cannot write here: {error.strerror}", where=str(self._folder.parent)) from None
        try:
            self.begin(self._folder)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def begin(self, folder: Path) -> None:  # noqa: B027 - a writer may do without
        """Make the files in *folder*; if that fails, nothing of them is left."""

    @abstractmethod
    def add(self, key: bytes, value: bytes) -> bool:
        """Write one record; False when the key is there already."""

    @abstractmethod
    def finish(self) -> None:
        """Write what is still in memory and let go of the files."""

    @abstractmethod
    def abandon(self) -> None:
        """Let go of the files without writing."""

    def put(self, key: bytes, value: bytes) -> None:
        """Write one record. Keys in rising order are written fastest and packed best."""
        if not self.add(key, value):
            raise DataError("every record of a database needs a key of its own", got=key.decode("utf-8", "replace"))
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                self.abandon()
                return
            self.finish()
            with self.writing(OSError):
                flush(self._folder)
                os.rename(self._folder, self.path)
                flush(self.path.absolute().parent)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def writing(self, failure: type[Exception]) -> Iterator[None]:
        """Turn a *failure* to write, that of a database's library, into a FileError; it tells of a full disk where the
        library does not."""
        try:
            yield
        except failure as error:
            first = error.args[0] if error.args else ""
            text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)
            text = getattr(error, "strerror", None) or text
            raise FileError(f"cannot write: {text}", where=str(self.path.absolute()), hint=self._room(text)) from None

    def _room(self, text: str) -> str | None:
        try:
            free = shutil.disk_usage(self.path.absolute().parent).free
        except OSError:
            return None
        full = os.strerror(errno.ENOSPC)
        return f"{full}: {free} bytes are free there" if free < LITTLE and full not in text else None


def check_new(path: Path) -> None:
    """See that there is nothing at *path* yet, where a database is to be made. Errors: FileError."""
    if os.path.exists(path):
        hint = "remove it, or choose another name"
        raise FileError("a new database must not exist yet", where=str(path.absolute()), hint=hint)


def detect_backend(path: Path) -> str:
    """The backend of the database at *path*, by its files. Errors: FileError where there is no database."""
    for backend, sign in SIGNS.items():
        if os.path.exists(path / sign) or path.name == sign:
            return backend
    if os.path.isdir(path):
        raise FileError(f"the folder {path.absolute()} must hold a database", got=_listing(path))
    raise missing(path, "database")


def check_folder(path: Path, backend: str) -> None:
    """See that *path* is the folder of a *backend* database.

    Errors: FileError that says where it was looked for and what is there instead.
    """
    sign = SIGNS[backend]
    if os.path.exists(path / sign) or (os.path.isfile(path) and path.name == sign):
        return
    other = next((name for name, file in SIGNS.items() if os.path.exists(path / file)), None)
    if other is not None:
        raise FileError(
            f"{path.absolute()} must be a database of the backend {backend}",
            got=f"one of {other}",
            hint=f"write backend: {other}",
        )
    if os.path.isdir(path):
        raise FileError(
            f"the folder {path.absolute()} must hold a database ({backend} has a file {sign})",
            got=_listing(path),
            hint=f"working directory: {Path.cwd()}",
        )
    raise missing(path, f"{backend} database")


def missing(path: Path, what: str) -> FileError:
    """The error for a file or database that is not there: its absolute path, and what there is in its place."""
    absolute = Path(os.path.abspath(path))
    if os.path.exists(absolute):
        return FileError(f"{absolute} must be a {what}", got="a folder" if os.path.isdir(absolute) else "a file")
    found = absolute.parent
    while not os.path.isdir(found) and found != found.parent:
        found = found.parent
    wanted = absolute.relative_to(found).parts[0]
    close = nearest(wanted, _names(found))
    advice = f"working directory: {Path.cwd()}; {found} holds {_listing(found)}"
    return FileError(f"there is no {what} at {absolute}", hint=f"{close} {advice}" if close else advice)


def _listing(folder: Path) -> str:
    names = _names(folder)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more if names else "nothing"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return []
