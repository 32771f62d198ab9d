"""The way from a file to a message of the newest format, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from google.protobuf.message import DecodeError

from ..errors import FormatError, ParseError
from .binary import LARGEST, read_binary
from .document import Document
from .files import PathLike, absolute, atomic_write, read_prototxt
from .format import format_text
from .mistaken import check_is_text, taken_for
from .report import NO_FIELD, KnownElsewhere
from .schema import Schema
from .text import decoded, parse_text
from .upgrade import add_upgraded_layer, upgrade_net, upgrade_solver

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from . import caffe_pb2

COPY_AGAIN = "the file is damaged; copy or download it again"


def _parse(
    text: str | bytes,
    kind: str,
    file: str,
    schema: Schema | None,
    unknown: Literal["error", "skip"],
    known_elsewhere: KnownElsewhere | None,
) -> Document[Any]:
    """*text* as a message of a *kind*. Errors: ParseError, in one sentence where it is something else altogether."""
    schema, text = schema or Schema.default(), decoded(text)
    check_is_text(text, kind, file)
    try:
        return parse_text(text, getattr(schema, kind), file, unknown=unknown, known_elsewhere=known_elsewhere)
    except ParseError as error:
        raise (taken_for(text, kind, file, schema) if NO_FIELD in str(error) else None) or error from None


def parse_net(
    text: str | bytes,
    file: str = "<text>",
    schema: Schema | None = None,
    *,
    unknown: Literal["error", "skip"] = "error",
    known_elsewhere: KnownElsewhere | None = None,
) -> Document[caffe_pb2.NetParameter]:
    """Parse a net definition of any age, and upgrade it. Raises ParseError, NetError."""
    return upgrade_net(_parse(text, "NetParameter", file, schema, unknown, known_elsewhere))


def read_net(
    path: PathLike,
    schema: Schema | None = None,
    *,
    unknown: Literal["error", "skip"] = "error",
    known_elsewhere: KnownElsewhere | None = None,
) -> Document[caffe_pb2.NetParameter]:
    """Read a net definition (prototxt of any age), upgraded. Raises FileError, ParseError, NetError."""
    return parse_net(
        read_prototxt(path),
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
    return upgrade_solver(_parse(text, "SolverParameter", file, schema, unknown, known_elsewhere))


def read_solver(
    path: PathLike,
    schema: Schema | None = None,
    *,
    unknown: Literal["error", "skip"] = "error",
    known_elsewhere: KnownElsewhere | None = None,
) -> Document[caffe_pb2.SolverParameter]:
    """Read a solver definition (prototxt of any age), upgraded. Raises FileError, ParseError, SolverError."""
    return parse_solver(read_prototxt(path), str(path), schema, unknown=unknown, known_elsewhere=known_elsewhere)


def read_weights_message(path: PathLike, schema: Schema | None = None) -> caffe_pb2.NetParameter:
    """Read a .caffemodel of any age; the result has ``layer`` entries only.

    Raises FileError, and FormatError when the file is something else, damaged, or has no layers. HDF5 files, which
    Caffe also writes, are not read here.
    """
    message_class = (schema or Schema.default()).NetParameter
    old_layer = message_class.DESCRIPTOR.fields_by_name["layers"]
    net = read_binary(path, message_class, {old_layer.number: _add_old_layer})
    if not net.layer:
        hint = "a prototxt describes a net, a .caffemodel holds its weights"
        raise FormatError("a net with weights has layers", where=absolute(path), got="none", hint=hint)
    if any(_is_no_text(layer.name, layer.type) for layer in net.layer):
        raise FormatError("the names of layers are text", where=absolute(path), got="other bytes", hint=COPY_AGAIN)
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)
    return net


def _add_old_layer(net: Any, data: bytes) -> None:
    old = type(net)().layers.add()
    old.MergeFromString(data)
    if _is_no_text(old.name, old.layer.name, old.layer.type):
        raise DecodeError("the names of layers are text")
    add_upgraded_layer(net, old)


def _is_no_text(*names: Any) -> bool:
    """Whether one of *names* is what protobuf makes of bytes that are no UTF-8: bytes, where it says text."""
    return any(isinstance(name, bytes) for name in names)


def write_text(message: Message, path: PathLike) -> None:
    """Write *message* as prototxt, in one step. Raises FileError."""
    atomic_write(path, format_text(message))


def write_binary(message: Message, path: PathLike) -> None:
    """Write *message* as binary protobuf, in one step. Raises FileError, FormatError above 2 GiB."""
    size = message.ByteSize()
    if size > LARGEST:
        rule = f"protobuf writes at most {LARGEST} bytes in one file"
        raise FormatError(rule, where=absolute(path), got=str(size), hint="store the weights as HDF5")
    atomic_write(path, message.SerializeToString(deterministic=True))
