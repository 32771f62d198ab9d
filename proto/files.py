"""Files read whole and written so that a crash leaves either the old file or the new one, never half of one."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import FileError, nearest

MOST_TEXT = 64 * 2**20
"""Bytes of a prototxt beyond which it is taken for something else."""
MOST_NAMES = 1000
"""Files of a folder beyond which none of them is suggested for one that is not there."""
STREAMS = ("/dev/fd/", "/dev/stdout", "/dev/stderr")
PathLike = str | os.PathLike[str]


def read_bytes(path: PathLike, limit: int | None = None) -> bytes:
    """The content of *path*; raises FileError, also when it is larger than *limit* bytes (checked before reading)."""
    with named("read", path):
        if limit is not None and (size := os.stat(path).st_size) > limit:
            raise FileError(
                f"a file read here has at most {limit} bytes",
                where=absolute(path),
                got=f"{size}",
            )
        return Path(path).read_bytes()


def read_text(path: PathLike, limit: int | None = None) -> str:
    """The text of *path*: UTF-8, a byte-order mark dropped; other bytes are kept as lone surrogates. Raises
    FileError, also above *limit* bytes.

    Prototxt from all over the world has comments in other encodings, which must not stop a parser.
    """
    return read_bytes(path, limit).decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def read_prototxt(path: PathLike) -> str:
    """The text of the prototxt file *path*, which has at most ``MOST_TEXT`` bytes."""
    return read_text(path, MOST_TEXT)


def atomic_write(path: PathLike, data: bytes | str) -> None:
    """Write *data* (text as UTF-8) to *path* in one step. Raises FileError."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """A temporary path beside *path*, renamed to it when the block ends well and removed when it does not.

    For libraries that want to open the file themselves::

        with atomic_path("picture.png") as temporary:
            image.save(temporary, "PNG")

    Raises FileError with the absolute path. A link is followed: the file it points to is replaced. A pipe, a terminal
    or a device is not replaced, but written to.
    """
    with named("write", path):
        if _is_stream(path):
            with TemporaryDirectory() as folder:
                yield (whole := Path(folder, "whole"))
                with open(whole, "rb") as source, open(path, "ab") as stream:
                    shutil.copyfileobj(source, stream)
            return
        target = Path(os.path.realpath(path))
        temporary = _temporary(target)
        try:
            yield temporary
            flush(temporary)
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        flush(target.parent)


def check_writable(*paths: PathLike) -> None:
    """See, before long work, that files can be written at *paths* after it. Raises the FileError of ``atomic_path``.

    What is there stays as it is; a disk that runs full meanwhile is not foreseen.
    """
    for path in paths:
        with named("write", path):
            if not _is_stream(path):
                _temporary(Path(os.path.realpath(path))).unlink()


def absolute(path: PathLike) -> str:
    """The absolute form of *path*, for messages."""
    return os.path.abspath(path)


@contextmanager
def named(verb: str, path: PathLike, what: str = "file") -> Iterator[None]:
    """Turn an OSError about *path* into a FileError that names it."""
    check_name(verb, path, what)
    try:
        yield
    except OSError as error:
        hint = _way_out(verb, absolute(path)) if isinstance(error, FileNotFoundError) else None
        reason = "a file is in its place" if isinstance(error, FileExistsError) else error.strerror or error
        rule = f"cannot {verb} this {what}: {reason}"
        raise FileError(rule, where=absolute(path), hint=hint) from error


def check_name(verb: str, path: PathLike, what: str = "file") -> None:
    """Errors: FileError for a *path* with a zero byte, which the system, or a library, would take for its end."""
    if "\0" in os.fspath(path):
        raise FileError(f"cannot {verb} this {what}: its name holds a zero byte", where=repr(os.fspath(path)))


def _way_out(verb: str, path: str) -> str | None:
    """What may help where there is nothing at *path*: the folder that is missing, or a file with nearly that name."""
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    names = os.listdir(folder) if verb == "read" and os.access(folder, os.R_OK) else []
    return nearest(name, names) if len(names) <= MOST_NAMES else None


def _is_stream(path: PathLike) -> bool:
    """Whether *path* is there, and neither a file nor a folder."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return (not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)) or absolute(path).startswith(STREAMS)


def _temporary(target: Path) -> Path:
    """An empty file beside *target*, with its permissions or those of any new file."""
    if os.path.isdir(target):
        raise IsADirectoryError(21, "Is a directory")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    with suppress(OSError):
        os.chmod(temporary, target.stat().st_mode & 0o777)
    return temporary


def flush(path: Path) -> None:
    """Have the system write a file or a folder's list out to disk; folders cannot be opened everywhere."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        if os.path.isdir(path):
            return
        raise
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
