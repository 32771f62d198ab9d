"""A message as prototxt that people like to read."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message

WIDEST = 80
"""Columns up to which a small group is written on one line."""
INDENT = "  "
_SINGLE = struct.Struct("<f")
_ESCAPES = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}


def format_text(message: Message) -> str:
    """The text form of *message*: fields by number, small groups on one line, the shortest form of every number."""
    return "".join(f"{line}\n" for line in _lines(message, ""))


def _lines(message: Message, indent: str) -> Iterator[str]:
    for field, value in message.ListFields():
        for one in value if hasattr(value, "append") or hasattr(value, "add") else (value,):
            if field.message_type is None:
                yield f"{indent}{field.name}: {_scalar(field, one)}"
            else:
                yield from _group(field.name, one, indent)


def _group(name: str, message: Message, indent: str) -> Iterator[str]:
    short = _one_line(message, WIDEST - len(indent) - len(name))
    if short is not None:
        yield f"{indent}{name} {short}"
        return
    yield f"{indent}{name} {{"
    yield from _lines(message, indent + INDENT)
    yield f"{indent}}}"


def _one_line(message: Message, width: int) -> str | None:
    """``{ type: "xavier" }`` for a message of few plain values, None for a larger one."""
    parts: list[str] = []
    for line in _lines(message, ""):
        width -= len(line) + 1
        if width < 0 or line.endswith("{"):
            return None
        parts.append(line)
    return f"{{ {' '.join(parts)} }}" if parts else "{ }"


def _scalar(field: Any, value: Any) -> str:
    if field.type == field.TYPE_ENUM:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else str(value)
    if field.type == field.TYPE_BOOL:
        return "true" if value else "false"
    if field.type == field.TYPE_FLOAT:
        return _shortest(value)
    if field.type in (field.TYPE_STRING, field.TYPE_BYTES):
        return _quoted(value)
    return repr(value) if field.type != field.TYPE_DOUBLE else _trimmed(repr(value))


def _shortest(value: float) -> str:
    """The fewest digits that give the same float32: 0.1, not 0.100000001."""
    for digits in range(6, 9):
        text = f"{value:.{digits}g}"
        if _SINGLE.pack(float(text)) == _SINGLE.pack(value):
            return _trimmed(text)
    return _trimmed(f"{value:.9g}")


def _trimmed(text: str) -> str:
    """1e-05 -> 1e-05, 1.0 -> 1."""
    return text.removesuffix(".0")


def _quoted(value: str | bytes) -> str:
    """Text stays readable in any script; bytes and control characters are escaped."""
    if isinstance(value, str):
        return f'"{"".join(_ESCAPES.get(ord(c)) or (c if c.isprintable() else _octets(c)) for c in value)}"'
    return f'"{"".join(_ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else _octal(b)) for b in value)}"'


def _octets(character: str) -> str:
    return "".join(map(_octal, character.encode()))


def _octal(byte: int) -> str:
    return f"\\{byte:03o}"
