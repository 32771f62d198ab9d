"""Mistaken files: a solver given for a net, a net for a solver, and files that are no text at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ParseError
from .report import NO_FIELD
from .text import parse_text

if TYPE_CHECKING:
    from .schema import Schema

KINDS = {"NetParameter": "a net", "SolverParameter": "a solver"}
BEGINNINGS = (("<", "a web page"), ("version https://git-lfs", "a Git LFS pointer, not the file itself"),
              ("\udc89PNG", "a PNG image"), ("\udcff\udcd8\udcff", "a JPEG image"), ("\udc89HDF", "an HDF5 file"),
              ("PK\x03\x04", "a ZIP archive, such as .npz"), ("\x1f\udc8b", "a compressed file"))  # fmt: skip
ENDINGS = {
    ".caffemodel": "weights (.caffemodel)",
    ".solverstate": "a solver state (.solverstate)",
    ".binaryproto": "a mean (.binaryproto)",
    ".onnx": "an ONNX model",
}
LOOKED_AT = 4096


def check_is_text(text: str, kind: str, file: str) -> None:
    """Errors: ParseError where *text* is that of a binary file, with what that seems to be."""
    begin = text[:LOOKED_AT]
    known = next((name for start, name in BEGINNINGS if begin.startswith(start)), None)
    if known is None and "\0" not in begin:
        return
    known = known or next((name for end, name in ENDINGS.items() if file.endswith(end)), "a binary file")
    raise ParseError(f"{KINDS.get(kind, 'this')} is a text file (prototxt)", where=file, got=known)


def taken_for(text: str, kind: str, file: str, schema: Schema) -> ParseError | None:
    """The error to raise where *text*, which is no *kind*, is one of the other kind; None where it is neither."""
    other = next(name for name in KINDS if name != kind)
    message_class: Any = getattr(schema, other)
    nets = ["net", "train_net"] if other == "SolverParameter" else []
    named = None
    try:
        document = parse_text(text, message_class, file, unknown="skip")
    except ParseError:
        if not _mistakes_aside(text, message_class, file):
            return None
    else:
        message: Any = document.message
        if not message.ListFields() or any(one.message == other for one in document.unknown):
            return None
        named = next((getattr(message, name) for name in nets if getattr(message, name, "")), None)
    hint = f"its net is {named}" if named else f'a solver names its net: net: "{file}"' if not nets else None
    error = ParseError(f"{KINDS[kind]} is expected here", where=file, got=KINDS[other], hint=hint)
    error.instead = other
    return error


def _mistakes_aside(text: str, message_class: Any, file: str) -> bool:
    """Whether *text* has mistakes as a *message_class* too, but all of its fields at the top are those of one."""
    try:
        parse_text(text, message_class, file)
    except ParseError as error:
        return not any(f"{message_class.DESCRIPTOR.name} {NO_FIELD}" in str(one) for one in error.problems or (error,))
    return True
