"""Definition: whatever a caller gives as a net, as a parsed and upgraded document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileError
from ..plugins import PluginManager
from ..proto import Document, Positions, read_net, upgrade_net

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import NetParameter

NetSource = str | Path | Document[Any] | Any
"""What names a net: a path, a parsed document, or a NetParameter message."""


def definition(source: NetSource, plugins: PluginManager) -> Document[NetParameter]:
    """The document of *source*: a path is read and upgraded, a message is copied and upgraded.

    Errors: FileError, ParseError.
    """
    schema = plugins.schema()
    if isinstance(source, Document):
        return source
    if isinstance(source, (str, Path)):
        return read_net(source, schema)
    if hasattr(source, "SerializeToString"):
        message = schema.NetParameter.FromString(source.SerializeToString())
        return upgrade_net(Document(message, Positions.unknown(f"net '{message.name}'")))
    raise FileError("a net is named by a path, a Document or a NetParameter", got=repr(source))
