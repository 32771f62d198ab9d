"""Protobuf's wire format, as far as it takes to say what a file is and where it is damaged."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

VARINT, FIXED64, LENGTH, GROUP, GROUP_END, FIXED32 = range(6)
LONGEST_VARINT = 10
LOOKED_AT = 4096
"""Fields and bytes that are enough to tell one kind of file from another."""

NET, STATE, BLOB, DATUM = "NetParameter", "SolverState", "BlobProto", "Datum"
MAGIC = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive (unpack it first)",
    b"BZh": "a bzip2 archive (unpack it first)",
    b"7z\xbc\xaf": "a 7z archive (unpack it first)",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself (run 'git lfs pull')",
    b"\x93NUMPY": "a NumPy file",
    b"\x80\x02": "a Python pickle, which is never loaded",
    b"<!DOCTYPE": "a web page (the download failed)",
    b"<!doctype": "a web page (the download failed)",
    b"<html": "a web page (the download failed)",
}
_PROTOTXT = re.compile(r"\s*+(?:#[^\n]*+\s*+)*+\w++\s*+(?::\s*+[\"'\w.{-]|\{)")


class Field(NamedTuple):
    """One field at the top of a message: number, wire type, and the bytes from its tag to its end."""

    number: int
    wire_type: int
    start: int
    body: int
    end: int


class WireError(Exception):
    """Bytes that are not protobuf: the offset, what is wrong there, and whether the data just ends too early."""

    def __init__(self, offset: int, what: str, *, truncated: bool = False) -> None:
        super().__init__(what)
        self.offset, self.what, self.truncated = offset, what, truncated


def varint(value: int) -> bytes:
    """A number that is not negative, as it stands on the wire: seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def top_fields(file: BinaryIO, size: int) -> Iterator[Field]:
    """The fields at the top of the message in *file*, *size* bytes long; their content is skipped, not read.

    Raises WireError at the first byte that cannot be.
    """
    at = 0
    while at < size:
        file.seek(at)
        tag, body = _varint(file, at, size)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise WireError(at, "no field has this number")
        if wire_type == VARINT:
            _, end = _varint(file, body, size)
        elif wire_type == LENGTH:
            length, body = _varint(file, body, size)
            end = body + length
        elif wire_type in (FIXED32, FIXED64):
            end = body + (4 if wire_type == FIXED32 else 8)
        else:
            raise WireError(at, f"wire type {wire_type} is not used by Caffe")
        if end > size:
            missing = f"field {number} needs {end - body} bytes, and {size - body} are left"
            raise WireError(at, missing, truncated=True)
        yield Field(number, wire_type, at, body, end)
        at = end


def _varint(file: BinaryIO, at: int, size: int) -> tuple[int, int]:
    """The number at *at* (where *file* stands) and the offset behind it."""
    value = 0
    for index in range(LONGEST_VARINT):
        byte = file.read(1)
        if not byte or at + index >= size:
            raise WireError(at, "a number has no end", truncated=True)
        value |= (byte[0] & 0x7F) << 7 * index
        if byte[0] < 0x80:
            return value, at + index + 1
    raise WireError(at, "a number is longer than 10 bytes")


def kind_of(data: bytes) -> str | None:
    """Which of Caffe's files the message *data* is, by its fields; None when it cannot be told."""
    try:
        fields = {(f.number, f.wire_type) for f in islice(top_fields(io.BytesIO(data), len(data)), LOOKED_AT)}
    except WireError:
        return None
    return kind_of_fields(fields)


def kind_of_fields(fields: set[tuple[int, int]]) -> str | None:
    """The kind of message that has these (number, wire type) pairs."""
    if (100, LENGTH) in fields:
        return NET
    counts = {number for number, wire_type in fields if wire_type == VARINT and number <= 4}
    if (5, LENGTH) in fields and (counts == {1, 2, 3, 4} or (not counts and (7, LENGTH) in fields)):
        return BLOB
    if {1, 2, 3} <= counts and 4 not in counts and ((4, LENGTH) in fields or fields & {(6, LENGTH), (6, FIXED32)}):
        return DATUM
    if (1, VARINT) in fields and (3, LENGTH) in fields and not {2, 3} & counts:
        return STATE
    if (2, LENGTH) in fields and 1 not in counts:
        return NET
    return None


def foreign_kind(head: bytes) -> str | None:
    """What a file that is no protobuf at all is, in words, by its first bytes."""
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            return name
    try:
        text = head[:LOOKED_AT].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return None
    if any(ord(character) < 32 and character not in "\t\r\n" for character in text):
        return None
    return "a text file (prototxt)" if _PROTOTXT.match(text) else "a text file" if text.strip() else None
