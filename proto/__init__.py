"""Caffe's files: the schema, text and binary reading and writing, and the upgrade of old formats.

    read_net, parse_net          a prototxt of any age -> Document(message, positions)
    read_solver                  a solver prototxt -> Document
    read_weights_message         a .caffemodel of any age -> NetParameter
    write_text, write_binary     a message -> a file
    Schema, Addition             the message classes, with what plugins and dialects add

Names are loaded when they are first used: importing this package builds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .addition import Addition as Addition, Rule as Rule, enum as enum, field as field, message as message
    from .binary import parse_binary as parse_binary, read_binary as read_binary
    from .blobs import (
        array_to_blob as array_to_blob,
        blob_shape as blob_shape,
        blob_to_array as blob_to_array,
        is_legacy as is_legacy,
        shapes_match as shapes_match,
    )
    from .document import Document as Document, Positions as Positions, Unknown as Unknown
    from .files import (
        atomic_path as atomic_path,
        atomic_write as atomic_write,
        check_writable as check_writable,
        read_bytes as read_bytes,
        read_prototxt as read_prototxt,
        read_text as read_text,
    )
    from .format import format_text as format_text
    from .read import (
        parse_net as parse_net,
        parse_solver as parse_solver,
        read_net as read_net,
        read_solver as read_solver,
        read_weights_message as read_weights_message,
        write_binary as write_binary,
        write_text as write_text,
    )
    from .schema import Schema as Schema, set_default as set_default
    from .text import parse_text as parse_text
    from .upgrade import upgrade_net as upgrade_net, upgrade_solver as upgrade_solver

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    addition="Addition Rule enum field message",
    binary="parse_binary read_binary",
    blobs="array_to_blob blob_shape blob_to_array is_legacy shapes_match",
    document="Document Positions Unknown",
    files="atomic_path atomic_write check_writable read_bytes read_prototxt read_text",
    format="format_text",
    read="parse_net parse_solver read_net read_solver read_weights_message write_binary write_text",
    schema="Schema set_default",
    text="parse_text",
    upgrade="upgrade_net upgrade_solver",
)
