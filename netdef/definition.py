"""Definition: whatever a caller gives as a net, as a parsed and upgraded document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileError, ParameterError
from ..plugins import PluginManager
from ..plugins.dialects import read_net
from ..proto import Document, Positions, Schema, upgrade_net

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import NetParameter

NetSource = str | Path | Document[Any] | Any
"""What names a net: a path, a parsed document, or a NetParameter message."""


def definition(source: NetSource, plugins: PluginManager) -> Document[NetParameter]:
    """The document of *source*: a path is read and upgraded, a message is copied and upgraded.

    Errors: FileError, ParseError, ParameterError.
    """
    if isinstance(source, Document):
        return source
    if isinstance(source, (str, Path)):
        return read_net(source, plugins)
    if hasattr(source, "SerializeToString"):
        missing = source.FindInitializationErrors()
        if missing:
            rule = f"required fields must be set; {missing[0]} is not"
            raise ParameterError(rule, who=f"net '{source.name}'")
        message = _schema(source, plugins).NetParameter.FromString(source.SerializeToString())
        return upgrade_net(Document(message, Positions.unknown(f"net '{message.name}'")))
    raise FileError("a net is named by a path, a Document or a NetParameter", got=repr(source))


def _schema(source: Any, plugins: PluginManager) -> Schema:
    """The message's own schema where that has all fields of the plugins (and those of a dialect), else the plugins'."""
    own, wanted = Schema.of(source), plugins.schema()
    if own is not None and all(addition in own.additions for addition in wanted.additions):
        return own
    return wanted
