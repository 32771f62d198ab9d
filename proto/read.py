"""The way from a file to a message of the newest format, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .document import Document
from .files import PathLike, read_text
from .schema import Schema
from .text import KnownElsewhere, parse_text
from .upgrade import upgrade_net, upgrade_solver

if TYPE_CHECKING:
    from . import caffe_pb2


def parse_net(
    text: str | bytes,
    file: str = "<text>",
    schema: Schema | None = None,
    *,
    unknown: Literal["error", "skip"] = "error",
    known_elsewhere: KnownElsewhere | None = None,
) -> Document[caffe_pb2.NetParameter]:
    """Parse a net definition of any age, and upgrade it. Raises ParseError, NetError."""
    message_class = (schema or Schema.default()).NetParameter
    return upgrade_net(parse_text(text, message_class, file, unknown=unknown, known_elsewhere=known_elsewhere))


def read_net(
    path: PathLike,
    schema: Schema | None = None,
    *,
    unknown: Literal["error", "skip"] = "error",
    known_elsewhere: KnownElsewhere | None = None,
) -> Document[caffe_pb2.NetParameter]:
    """Read a net definition (prototxt of any age), upgraded. Raises FileError, ParseError, NetError."""
    return parse_net(
        read_text(path),
        str(path),
        schema,
        unknown=unknown,
        known_elsewhere=known_elsewhere,
    )


def parse_solver(
    text: str | bytes,
    file: str = "<text>",
    schema: Schema | None = None,
    *,
    unknown: Literal["error", "skip"] = "error",
    known_elsewhere: KnownElsewhere | None = None,
) -> Document[caffe_pb2.SolverParameter]:
    """Parse a solver definition of any age, and upgrade it. Raises ParseError, SolverError."""
    message_class = (schema or Schema.default()).SolverParameter
    return upgrade_solver(parse_text(text, message_class, file, unknown=unknown, known_elsewhere=known_elsewhere))


def read_solver(
    path: PathLike,
    schema: Schema | None = None,
    *,
    unknown: Literal["error", "skip"] = "error",
    known_elsewhere: KnownElsewhere | None = None,
) -> Document[caffe_pb2.SolverParameter]:
    """Read a solver definition (prototxt of any age), upgraded. Raises FileError, ParseError, SolverError."""
    return parse_solver(read_text(path), str(path), schema, unknown=unknown, known_elsewhere=known_elsewhere)
