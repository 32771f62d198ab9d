"""Stock schema plus additions as one file descriptor, with every clash named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from ..errors import PluginError, nearest
from .addition import Addition

STOCK = "stock Caffe"
LARGEST_NUMBER = 2**29 - 1
PROTOBUF_OWN = range(19000, 20000)
CLASH_HINT = "choose another name and number, enable only one of the two, or declare 'replaces' for a stock field"

Providers = dict[str, str]


def compose_file(stock: FileDescriptorProto, additions: Sequence[Addition]) -> tuple[FileDescriptorProto, Providers]:
    """One file with *stock* and all *additions*, and who provides each added ``Message`` and ``Message.field``.

    Raises PluginError, naming both providers, where two want the same name or number.
    """
    return _Composer(stock).run(additions)


class _Composer:
    def __init__(self, stock: FileDescriptorProto) -> None:
        self.file = FileDescriptorProto()
        self.file.CopyFrom(stock)
        self.providers: Providers = {}
        self.replaced: set[str] = set()

    def run(self, additions: Sequence[Addition]) -> tuple[FileDescriptorProto, Providers]:
        for addition in additions:
            for dotted in addition.replaces:
                self._remove(dotted, addition.provider)
        for addition in additions:
            self._add_types(addition)
        for addition in additions:
            for scope, fields in addition.fields.items():
                self._add_fields(scope, fields, addition.provider)
            for scope, values in addition.values.items():
                self._add_values(scope, values, addition.provider)
        return self.file, self.providers

    def _remove(self, dotted: str, provider: str) -> None:
        """Drop a stock field or enum value; two providers may both replace the same one."""
        scope, _, name = dotted.rpartition(".")
        message, enum = self._find_message(scope), self._find_enum(scope)
        found = message is not None and _remove_named(message.field, name)
        found = found or (enum is not None and _remove_named(enum.value, name))
        if not found and dotted not in self.replaced:
            rule = f"'replaces' names a field or enum value of {STOCK}"
            raise PluginError(rule, who=provider, got=f"'{dotted}'")
        self.replaced.add(dotted)

    def _add_types(self, addition: Addition) -> None:
        for message in addition.messages:
            self._claim_type("message", message.name, addition.provider)
        for enum in addition.enums:
            self._claim_type("enum", enum.name, addition.provider)
        self.file.message_type.extend(addition.messages)
        self.file.enum_type.extend(addition.enums)

    def _claim_type(self, kind: str, name: str, provider: str) -> None:
        if name in self.providers or name in self._type_names():
            owner = self._owner(name)
            raise PluginError(f"the {kind} {name} is already one of {owner}", who=provider, hint=CLASH_HINT)
        self.providers[name] = provider

    def _add_fields(self, scope: str, fields: Sequence[FieldDescriptorProto], provider: str) -> None:
        message = self._find_message(scope)
        if message is None:
            raise self._no_scope("'fields' names a message", scope, provider)
        for new in fields:
            _check_number(scope, new, provider)
            for old in message.field:
                self._check_pair("field", scope, (old.name, old.number), (new.name, new.number), provider)
            message.field.append(new)
            self.providers[f"{scope}.{new.name}"] = provider

    def _add_values(self, scope: str, values: Mapping[str, int], provider: str) -> None:
        enum = self._find_enum(scope)
        if enum is None:
            raise self._no_scope("'values' names an enum", scope, provider)
        for name, number in values.items():
            for old in enum.value:
                self._check_pair("value", scope, (old.name, old.number), (name, number), provider)
            enum.value.add(name=name, number=number)
            self.providers[f"{scope}.{name}"] = provider

    def _check_pair(self, kind: str, scope: str, old: tuple[str, int], new: tuple[str, int], provider: str) -> None:
        """Two members of one scope must differ in name and in number."""
        owner = self._owner(f"{scope}.{old[0]}")
        if new[0] == old[0]:
            rule = f"{scope}.{old[0]} is already a {kind} of {owner}"
        elif new[1] == old[1]:
            rule = f"{'number' if kind == 'field' else kind} {old[1]} of {scope} is already {old[0]} of {owner}"
        else:
            return
        raise PluginError(rule, who=provider, got=f"{new[0]} = {new[1]}", hint=CLASH_HINT)

    def _owner(self, name: str) -> str:
        return self.providers.get(name, STOCK)

    def _type_names(self) -> list[str]:
        return [m.name for m in self.file.message_type] + [e.name for e in self.file.enum_type]

    def _no_scope(self, rule: str, scope: str, provider: str) -> PluginError:
        hint = nearest(scope, self._type_names())
        return PluginError(f"{rule} of the schema", who=provider, got=f"'{scope}'", hint=hint)

    def _find_message(self, dotted: str) -> DescriptorProto | None:
        scope = self.file.message_type
        found: DescriptorProto | None = None
        for part in dotted.split("."):
            found = next((m for m in scope if m.name == part), None)
            if found is None:
                return None
            scope = found.nested_type
        return found

    def _find_enum(self, dotted: str) -> EnumDescriptorProto | None:
        scope, _, name = dotted.rpartition(".")
        message = self._find_message(scope) if scope else None
        enums = message.enum_type if message else self.file.enum_type if not scope else ()
        return next((e for e in enums if e.name == name), None)


def _remove_named(members: Any, name: str) -> bool:
    """Delete the member called *name* from a repeated field; False if there is none."""
    for index, member in enumerate(members):
        if member.name == name:
            del members[index]
            return True
    return False


def _check_number(scope: str, field: FieldDescriptorProto, provider: str) -> None:
    if not 0 < field.number <= LARGEST_NUMBER or field.number in PROTOBUF_OWN:
        raise PluginError(
            f"the number of a field is 1 to {LARGEST_NUMBER} and not {PROTOBUF_OWN.start} to {PROTOBUF_OWN.stop - 1}",
            who=provider,
            got=f"{field.number} for {scope}.{field.name}",
        )
