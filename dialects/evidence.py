"""Evidence: the schema of a binary file, by what its bytes can be.

Binary files name no fields, only numbers, and the forks gave the same numbers to different fields. What tells them
apart: a field that has another wire type than the schema says, a message that cannot be read or has unknown numbers
inside, and parameters on a layer whose type does not take them. The dialect that leaves least of that is meant.
The weights themselves are not read for this.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from ..errors import PluginError
from ..proto import Schema
from ..proto.wire import LENGTH, Field, WireError, top_fields, varint
from .base import Dialect
from .choose import Choice, Dialects, choose_by_name
from .combine import combine
from .stock import SHARED, STOCK_LAYERS

LAYER, OLD_LAYER = 100, 2
BLOBS = {LAYER: 7, OLD_LAYER: 6}
"""Where a layer keeps its blobs, by the number of the layer in the net."""
MOST_FIELDS = 64
"""Fields of a blob that are looked at."""
MOST_ROUNDS = 3


def choose_for_binary(dialects: Dialects, path: str | Path, base: Schema, wanted: str | None = None) -> Choice:
    """The schema for the weight file *path*, on top of *base*, and the dialects in it.

    *wanted* names the dialects instead. A file that is no net with weights is answered with *base*: whoever reads it
    will say so. Errors: PluginError for an unknown name.
    """
    if wanted is not None:
        return choose_by_name(dialects, wanted, base)
    try:
        with open(path, "rb") as file:
            seen = _look_at(file)
    except (OSError, WireError):
        return Choice(base)
    choice, rank = Choice(base), _rank(seen, base, ())
    for _ in range(MOST_ROUNDS):
        if rank == (0, 0):
            break
        better = _better(dialects, seen, choice, rank)
        if better is None:
            break
        choice, rank = better
    return choice


@dataclass(frozen=True)
class _Seen:
    """A weight file without its weights, and the (number, wire type) pairs of its blobs."""

    net: bytes
    blob_fields: frozenset[tuple[int, int]]


def _look_at(file: BinaryIO) -> _Seen:
    size = file.seek(0, io.SEEK_END)
    net, pairs = bytearray(), set()
    for layer in top_fields(file, size):
        if layer.number not in BLOBS or layer.wire_type != LENGTH:
            net += _bytes(file, layer.start, layer.end) if layer.end - layer.start < 2**16 else b""
            continue
        inside = _Window(file, layer.body)
        body = bytearray()
        for field in top_fields(inside, layer.end - layer.body):  # type: ignore[arg-type]
            if field.number == BLOBS[layer.number] and field.wire_type == LENGTH:
                pairs |= set(_pairs(file, layer.body + field.body, field))
            elif field.end - field.start < 2**20:
                body += _bytes(file, layer.body + field.start, layer.body + field.end)
        net += varint(layer.number << 3 | LENGTH) + varint(len(body)) + body
    return _Seen(bytes(net), frozenset(pairs))


def _pairs(file: BinaryIO, start: int, blob: Field) -> Iterator[tuple[int, int]]:
    fields = top_fields(_Window(file, start), blob.end - blob.body)  # type: ignore[arg-type]
    return ((field.number, field.wire_type) for field in islice(fields, MOST_FIELDS))


def _bytes(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


class _Window:
    """A file seen from an offset on."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self.file, self.start = file, start

    def seek(self, at: int) -> int:
        return self.file.seek(self.start + at) - self.start

    def read(self, count: int) -> bytes:
        return self.file.read(count)


def _better(
    dialects: Dialects, seen: _Seen, choice: Choice, rank: tuple[int, int]
) -> tuple[Choice, tuple[int, int]] | None:
    """The dialect that explains most of what is left, the smallest of several; None when none helps."""
    found = []
    for dialect in dialects:
        if dialect in choice.dialects:
            continue
        try:
            schema = combine(choice.schema, dialect.tables)
        except PluginError:
            continue
        chosen = (*choice.dialects, dialect)
        found.append((_rank(seen, schema, chosen), dialect.size(), dialect.type, Choice(schema, chosen)))
    best = min(found, key=lambda entry: entry[:3], default=None)
    return (best[3], best[0]) if best is not None and best[0] < rank else None


def _rank(seen: _Seen, schema: Schema, dialects: tuple[type[Dialect], ...]) -> tuple[int, int]:
    """Whether the file cannot be read at all, and how much of it does not fit *schema*."""
    net = schema.NetParameter()
    try:
        net.MergeFromString(seen.net)
    except DecodeError:
        return 1, 0
    misfits = _unknown(net) + _strange_blobs(seen, schema)
    known = {**STOCK_LAYERS, **{name: fields for d in dialects for name, fields in d.layer_types().items()}}
    layers: Any = net.layer
    return 0, misfits + sum(_foreign(layer, known) for layer in layers)


def _unknown(message: Any) -> int:
    """Fields that the schema lacks, or has with another wire type, at any depth."""
    count = len(UnknownFieldSet(message))
    for field, value in message.ListFields():
        if field.message_type is not None:
            many = not hasattr(value, "ListFields")
            count += sum(map(_unknown, value)) if many else _unknown(value)
    return count


def _foreign(layer: Any, known: dict[str, tuple[str, ...]]) -> int:
    """Parameters that layers of this type do not take; the wrong schema makes them out of others."""
    if layer.type not in known:
        return 0
    takes = (*known[layer.type], *SHARED)
    return sum(
        f.name not in takes for f, _ in layer.ListFields() if f.message_type is not None and f.name.endswith("_param")
    )


def _strange_blobs(seen: _Seen, schema: Schema) -> int:
    fields = {f.number: f for f in schema.BlobProto.DESCRIPTOR.fields}
    return sum(number not in fields or not _fits(fields[number], wire_type) for number, wire_type in seen.blob_fields)


def _fits(field: Any, wire_type: int) -> bool:
    if field.type in (field.TYPE_MESSAGE, field.TYPE_BYTES, field.TYPE_STRING):
        return wire_type == LENGTH
    own = {field.TYPE_FLOAT: 5, field.TYPE_FIXED32: 5, field.TYPE_DOUBLE: 1, field.TYPE_FIXED64: 1}.get(field.type, 0)
    return wire_type == own or (wire_type == LENGTH and field.has_options and field.GetOptions().packed)
