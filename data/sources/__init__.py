"""Sources: where records come from. One file per backend; the class ``Source`` says what each can do."""

from __future__ import annotations

from pathlib import Path

from ...plugins import PluginManager, plugin_manager
from .base import Record, RecordNames, Source, SourceWriter, check_new, detect_backend, missing

__all__ = [
    "Record",
    "RecordNames",
    "Source",
    "SourceWriter",
    "check_new",
    "create_source",
    "detect_backend",
    "missing",
    "open_source",
]


def open_source(backend: str, path: str | Path, plugins: PluginManager | None = None) -> Source:
    """The database at *path*, of the *backend* ``LMDB``, ``LEVELDB`` ….

    Errors: FileError, MissingExtraError, PluginError for a backend that nobody provides.
    """
    return _class(backend, plugins)(path)


def create_source(backend: str, path: str | Path, plugins: PluginManager | None = None) -> SourceWriter:
    """A writer of a new database at *path*. Errors: as ``open_source``; FileError where *path* exists."""
    return _class(backend, plugins).create(path)


def _class(backend: str, plugins: PluginManager | None) -> type[Source]:
    found: type[Source] = (plugins or plugin_manager()).get("sources", backend).item
    return found
