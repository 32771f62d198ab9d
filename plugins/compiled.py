"""Parameters from a compiled ``.proto`` file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError

from ..errors import PluginError, nearest

if TYPE_CHECKING:
    from ..proto import Addition
    from .parameters import ParametersClass

HOME = "caffe"
"""The package that all messages of the schema live in."""


def declare(
    base: ParametersClass, descriptor: Any, message: str, *, field: str, number: int, owner: str
) -> ParametersClass:
    """A subclass of *base* that adds *message* of *descriptor*, and what it uses; see ``Parameters.from_descriptor``.

    Errors: PluginError for a descriptor that cannot be read, or has no such message.
    """
    files = _files(descriptor)
    types: dict[str, Any] = {message.name: message for file in files for message in file.message_type}
    types.update({enum.name: enum for file in files for enum in file.enum_type})
    if not isinstance(types.get(message), DescriptorProto):
        raise PluginError(f"the descriptor has no message '{message}'", hint=nearest(message, types))
    wanted = [types[name] for name in _reached(types, message)]

    def addition(cls: ParametersClass, provider: str) -> Addition:
        messages = [t for t in wanted if isinstance(t, DescriptorProto)]
        enums = [t for t in wanted if not isinstance(t, DescriptorProto)]
        return cls._addition(provider, *messages, enums=tuple(enums))

    make: Any = type(base)
    made: ParametersClass = make(
        message,
        (base,),
        {"addition": classmethod(addition), "__doc__": f"``{field}``, from a compiled descriptor."},
        field=field,
        number=number,
        owner=owner,
        message=message,
    )
    return made


def _files(descriptor: Any) -> list[FileDescriptorProto]:
    """The files of *descriptor*, as copies in which every type lives in the package of the schema."""
    data = descriptor
    if hasattr(descriptor, "serialized_pb"):
        data = descriptor.serialized_pb
    elif isinstance(descriptor, (str, Path)):
        try:
            data = Path(descriptor).read_bytes()
        except OSError as error:
            raise PluginError(f"cannot read this descriptor: {error.strerror}", where=str(descriptor)) from None
    if not isinstance(data, bytes):
        raise PluginError("a compiled descriptor is a path, bytes, or the DESCRIPTOR of a module", got=repr(descriptor))
    files = _parsed(data)
    for file in files:
        old = f".{file.package}." if file.package else "."
        for member in _fields(file.message_type):
            if member.type_name.startswith(old) and not member.type_name.startswith(f".{HOME}."):
                member.type_name = f".{HOME}.{member.type_name.removeprefix(old)}"
    return files


def _parsed(data: bytes) -> list[FileDescriptorProto]:
    """A file, or a set of them, whichever *data* is."""
    for read in (_read_set, _read_file):
        try:
            files = read(data)
        except DecodeError:
            continue
        if files and all(file.name for file in files):
            return files
    raise PluginError("these bytes are no compiled descriptor", hint="protoc --descriptor_set_out writes one")


def _read_set(data: bytes) -> list[FileDescriptorProto]:
    return list(FileDescriptorSet.FromString(data).file)


def _read_file(data: bytes) -> list[FileDescriptorProto]:
    return [FileDescriptorProto.FromString(data)]


def _fields(messages: Any) -> Iterator[Any]:
    for message in messages:
        yield from message.field
        yield from _fields(message.nested_type)


def _reached(types: dict[str, Any], start: str) -> list[str]:
    """*start* and the names of all top-level types that it uses, directly or not."""
    found = [start]
    for name in found:
        if isinstance(types[name], DescriptorProto):
            for field in _fields([types[name]]):
                used = field.type_name.removeprefix(f".{HOME}.").split(".")[0]
                if used in types and used not in found:
                    found.append(used)
    return found
