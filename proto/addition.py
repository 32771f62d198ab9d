"""What a plugin or dialect adds to the schema, and short ways to write it down.

Addition(
    provider="my-package 1.2",
    messages=(message("ROIPoolingParameter", field("pooled_h", 1, "uint32", default=7)),),
    fields={"LayerParameter": (field("roi_pooling_param", 8266711, "ROIPoolingParameter"),)},
)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field as dataclass_field
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
)

from ..errors import PluginError

Rule = Callable[[Any], "str | None"]
"""Looks at one parsed value; returns the rule that it breaks, in words, or None."""

SCALARS = (
    *(
        "double",
        "float",
        "int64",
        "uint64",
        "int32",
        "fixed64",
        "fixed32",
        "bool",
        "string",
        "bytes",
        "uint32",
    ),
    *("sfixed32", "sfixed64", "sint32", "sint64"),
)


@dataclass(frozen=True)
class Addition:
    """A provider's part of the schema.

    Parameters (all names of messages and enums without the package ``caffe``):
    *provider*, the plugin or dialect, as it should be named in errors;
    *messages* and *enums*, new top-level types;
    *fields*, new fields of any message, stock or new, by the message's name (``A.B`` for a nested one);
    *values*, new values of any enum, ``{"PoolingParameter.PoolMethod": {"RANDOM": 7}}``;
    *replaces*, stock fields or enum values that give up their name and number, ``"LayerParameter.clip_param"``;
    *rules*, per (message, field) a check of every value that is read from text;
    *type_names*, the layer types that new V1 ``LayerType`` values stand for, ``{"UNPOOLING": "Unpooling"}``;
    *open*, messages whose fields are not all known: what else a text has in them is passed over.
    """

    provider: str
    messages: Sequence[DescriptorProto] = ()
    enums: Sequence[EnumDescriptorProto] = ()
    fields: Mapping[str, Sequence[FieldDescriptorProto]] = dataclass_field(default_factory=dict)
    values: Mapping[str, Mapping[str, int]] = dataclass_field(default_factory=dict)
    replaces: Sequence[str] = ()
    rules: Mapping[tuple[str, str], Rule] = dataclass_field(default_factory=dict)
    type_names: Mapping[str, str] = dataclass_field(default_factory=dict)
    open: Sequence[str] = ()

    def key(self) -> tuple[object, ...]:
        """The content as something hashable: equal keys make equal schemas."""
        return (
            self.provider,
            tuple(m.SerializeToString(deterministic=True) for m in self.messages),
            tuple(e.SerializeToString(deterministic=True) for e in self.enums),
            tuple((n, tuple(f.SerializeToString(deterministic=True) for f in fs)) for n, fs in self.fields.items()),
            tuple((name, tuple(values.items())) for name, values in self.values.items()),
            tuple(self.replaces),
            tuple(self.rules.items()),
            tuple(self.type_names.items()),
            tuple(self.open),
        )


def field(
    name: str,
    number: int,
    type: str = "float",
    *,
    default: str | float | bool | None = None,
    repeated: bool = False,
    required: bool = False,
    packed: bool = False,
) -> FieldDescriptorProto:
    """A field; *type* is a scalar type of protobuf, or the name of a message or enum (of the same message first)."""
    proto = FieldDescriptorProto(name=name, number=number)
    label = "LABEL_REPEATED" if repeated else "LABEL_REQUIRED" if required else "LABEL_OPTIONAL"
    proto.label = FieldDescriptorProto.Label.Value(label)
    if type in SCALARS:
        proto.type = FieldDescriptorProto.Type.Value(f"TYPE_{type.upper()}")
    else:
        proto.type_name = type
    if default is not None:
        if repeated:
            raise PluginError(f"a repeated field has no default; got default={default!r} for '{name}'")
        proto.default_value = str(default).lower() if isinstance(default, bool) else str(default)
    if packed:
        proto.options.packed = True
    return proto


def enum(name: str, **values: int) -> EnumDescriptorProto:
    """An enum: ``enum("PoolMethod", MAX=0, AVE=1)``; the first value is the default."""
    proto = EnumDescriptorProto(name=name)
    for value, number in values.items():
        proto.value.add(name=value, number=number)
    return proto


def message(name: str, *members: FieldDescriptorProto | EnumDescriptorProto | DescriptorProto) -> DescriptorProto:
    """A message with its fields and, nested, its enums and messages."""
    proto = DescriptorProto(name=name)
    for member in members:
        if isinstance(member, FieldDescriptorProto):
            proto.field.append(member)
        elif isinstance(member, EnumDescriptorProto):
            proto.enum_type.append(member)
        else:
            proto.nested_type.append(member)
    return proto
