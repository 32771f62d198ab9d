"""A parsed file: its message, and where in the text each field stood."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from ..errors import Position

if TYPE_CHECKING:
    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")
M2 = TypeVar("M2", bound="Message")


class Source:
    """A text with its name; turns offsets into lines and columns."""

    __slots__ = ("_starts", "file", "text")

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self._starts: list[int] | None = None

    def position(self, offset: int) -> Position:
        """The place of *offset*; a negative offset is the file as a whole."""
        if offset < 0:
            return Position(self.file)
        if self._starts is None:
            self._starts = list(_line_starts(self.text))
        line = bisect_right(self._starts, offset)
        return Position(self.file, line, offset - self._starts[line - 1] + 1)


def _line_starts(text: str) -> Iterator[int]:
    start = 0
    while start >= 0:
        yield start
        start = text.find("\n", start) + 1 or -1


class Positions:
    """Where a message and its fields stand; a tree with the shape of the message.

    ``fields`` holds for each field one entry per value, in order: a subtree for a message, an offset for anything else.
    """

    __slots__ = ("fields", "offset", "source")

    def __init__(self, source: Source, offset: int = -1) -> None:
        self.source, self.offset = source, offset
        self.fields: dict[str, list[Positions | int]] = {}

    @classmethod
    def unknown(cls, file: str) -> Positions:
        """Positions of a message that came from no text: everything is at *file*."""
        return cls(Source("", file))

    @property
    def here(self) -> Position:
        """The place of the message itself."""
        return self.source.position(self.offset)

    def at(self, *path: str | int) -> Position:
        """The place of ``at("layer", 3, "convolution_param", "kernel_size")``, or of its nearest known ancestor.

        An index may be left out for the first value of a field.
        """
        entry = self._walk(path)
        return entry.here if isinstance(entry, Positions) else self.source.position(entry)

    def child(self, *path: str | int) -> Positions:
        """The subtree at *path*; where there is none, an empty one at the nearest known ancestor."""
        entry = self._walk(path)
        return entry if isinstance(entry, Positions) else Positions(self.source, entry)

    def _walk(self, path: Sequence[str | int]) -> Positions | int:
        node: Positions = self
        steps = list(path)
        while steps:
            entries = node.fields.get(str(steps.pop(0)), ())
            index = steps.pop(0) if steps and isinstance(steps[0], int) else 0
            if not (isinstance(index, int) and 0 <= index < len(entries)):
                return Positions(node.source, node.offset)
            entry = entries[index]
            if isinstance(entry, int):
                return entry
            node = entry
        return node


class Unknown(NamedTuple):
    """A field, or an enum value, that the schema lacks: *message* and *field* by name, *value* for an enum."""

    message: str
    field: str
    value: str | None
    position: Position


@dataclass(frozen=True)
class Document(Generic[M]):
    """A message with its positions.

    ``unknown`` lists what was skipped (only when that was asked for), ``notes`` what was upgraded, in words.
    """

    message: M
    positions: Positions
    unknown: tuple[Unknown, ...] = ()
    notes: tuple[str, ...] = ()

    def changed(self, message: M2, positions: Positions, notes: Sequence[str]) -> Document[M2]:
        """The document with another message and positions, and more notes."""
        return Document(message, positions, self.unknown, (*self.notes, *notes))
