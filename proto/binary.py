"""Binary protobuf files, with errors that say what the file is instead and where it is damaged."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from google.protobuf.message import DecodeError

from ..errors import FormatError
from .files import PathLike, absolute, named
from .wire import LENGTH, Field, WireError, foreign_kind, kind_of, kind_of_fields, top_fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")
Special = Callable[[Any, bytes], None]
"""Takes the message and the bytes of one field, in place of the usual reading."""

UNREADABLE = (DecodeError, UnicodeDecodeError)
"""What protobuf's implementations raise for bytes that are no message, or hold names that are no text."""
LARGEST = 2**31 - 1
"""Bytes that protobuf reads as one message."""
HEAD = 512
"""Bytes at the start that tell what a file is."""
AT_ONCE = 64 * 2**20
"""Bytes up to which a file is read in one piece; larger ones go field by field, which halves the memory."""
FILES = {
    "NetParameter": "a net with weights (.caffemodel)",
    "SolverState": "a solver state (.solverstate)",
    "BlobProto": "a single blob (such as a mean file)",
    "Datum": "a single Datum (a record of a database)",
}


def parse_binary(data: bytes, message_class: type[M], file: str) -> M:
    """The message in *data*; *file* is the name for errors.

    Raises FormatError when *data* is empty, larger than protobuf reads (2 GiB), cut off, another kind of file, or
    plainly another kind of message.
    """
    _check_size(len(data), file)
    message = message_class()
    try:
        message.MergeFromString(data)
    except UNREADABLE:
        raise _explained(io.BytesIO(data), len(data), message_class, file) from None
    kind = kind_of(data) if message_class.DESCRIPTOR.name in FILES else None
    _check_kind(kind, message_class, file)
    _check_text(message, data, message_class, file)
    return message


def read_binary(path: PathLike, message_class: type[M], special: dict[int, Special] | None = None) -> M:
    """The message in the file *path*.

    Large files are read one field at a time, so that no second copy of the whole is ever in memory, and the limit of
    2 GiB holds for each field only. *special* maps field numbers to functions that read them in another way.

    Raises FileError, and FormatError as ``parse_binary`` does.
    """
    where = absolute(path)
    with named("read", path), Path(path).open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        if size <= AT_ONCE and not special:
            file.seek(0)
            return parse_binary(file.read(), message_class, where)
        if size == 0:
            _check_size(size, where)
        return _read_fields(file, size, message_class, where, special or {})


def _read_fields(file: BinaryIO, size: int, message_class: type[M], where: str, special: dict[int, Special]) -> M:
    message: Any = message_class()
    repeated = _repeated_messages(message_class)
    seen: set[tuple[int, int]] = set()
    try:
        for field in top_fields(file, size):
            seen.add((field.number, field.wire_type))
            name = repeated.get(field.number) if field.wire_type == LENGTH else None
            if name is not None and field.number in special:
                special[field.number](message, _read(file, field.body, field, where))
            elif name is not None:
                getattr(message, name).add().MergeFromString(_read(file, field.body, field, where))
            else:
                message.MergeFromString(_read(file, field.start, field, where))
    except (*UNREADABLE, WireError):
        raise _explained(file, size, message_class, where) from None
    _check_kind(kind_of_fields(seen), message_class, where)
    return message  # type: ignore[no-any-return]


def _read(file: BinaryIO, start: int, field: Field, where: str) -> bytes:
    if field.end - start > LARGEST:
        raise _too_large(f"field {field.number}", field.end - start, where)
    file.seek(start)
    data = file.read(field.end - start)
    if len(data) < field.end - start:
        raise FormatError("the file became shorter while it was read", where=where)
    return data


def _repeated_messages(message_class: type[Message]) -> dict[int, str]:
    """Number and name of every field that holds any number of messages."""
    example = message_class()
    fields = message_class.DESCRIPTOR.fields
    return {f.number: f.name for f in fields if f.message_type is not None and hasattr(getattr(example, f.name), "add")}


def _check_size(size: int, file: str) -> None:
    if size == 0:
        raise FormatError("the file is empty", where=file)
    if size > LARGEST:
        raise _too_large("the file", size, file)


def _too_large(what: str, size: int, file: str) -> FormatError:
    return FormatError(
        f"protobuf reads at most {LARGEST} bytes in one piece",
        where=file,
        got=f"{what} with {size} bytes",
        hint="store the weights as HDF5, which has no such limit",
    )


def _check_kind(kind: str | None, message_class: type[Message], where: str) -> None:
    if kind is not None and kind != message_class.DESCRIPTOR.name:
        raise _wrong_kind(kind, message_class, where)


def _wrong_kind(kind: str, message_class: type[Message], where: str) -> FormatError:
    name = message_class.DESCRIPTOR.name
    return FormatError(f"{FILES.get(name, name)} is expected here", where=where, got=FILES[kind])


def _check_text(message: Message, data: bytes, message_class: type[Message], file: str) -> None:
    """Names that are not text, or nothing but unknown fields, show that the bytes were something else."""
    known = message.ListFields()
    if known and all(isinstance(value, str) or not isinstance(value, bytes) or _is_bytes(f) for f, value in known):
        return
    if known or foreign_kind(data[:HEAD]):
        raise _not_protobuf(
            data[:HEAD], message_class, file, "its names are not text" if known else "no field is known"
        )


def _is_bytes(field: Any) -> bool:
    return bool(field.type == field.TYPE_BYTES)


def _explained(file: BinaryIO, size: int, message_class: type[Message], where: str) -> FormatError:
    """Why the bytes of *file* are not a *message_class*."""
    file.seek(0)
    head = file.read(HEAD)
    seen: set[tuple[int, int]] = set()
    try:
        for field in top_fields(file, size):
            seen.add((field.number, field.wire_type))
    except WireError as error:
        if seen and error.truncated and foreign_kind(head) is None:
            rule = f"the file is cut off at byte {size}: {error.what}"
            return FormatError(rule, where=where, hint="copy or download it again")
        return _not_protobuf(head, message_class, where, f"at byte {error.offset}, {error.what}")
    kind = kind_of_fields(seen)
    if kind is not None and kind != message_class.DESCRIPTOR.name:
        return _wrong_kind(kind, message_class, where)
    return _not_protobuf(head, message_class, where, "a field inside is damaged")


def _not_protobuf(head: bytes, message_class: type[Message], where: str, why: str) -> FormatError:
    wanted = message_class.DESCRIPTOR.name
    rule = f"{FILES.get(wanted, wanted)} is expected here"
    return FormatError(rule, where=where, got=foreign_kind(head) or f"bytes that are not a {wanted}: {why}")
