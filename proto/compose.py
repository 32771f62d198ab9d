"""Stock schema plus additions as one file descriptor, with every clash named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
)

from ..errors import PluginError, nearest
from .addition import Addition

STOCK = "stock Caffe"
LARGEST_NUMBER = 2**29 - 1
PROTOBUF_OWN = range(19000, 20000)

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

    def run(self, additions: Sequence[Addition]) -> tuple[FileDescriptorProto, Providers]:
        for addition in additions:
            for name in addition.replaces:
                self._remove(name, addition)
        for addition in additions:
            self._add_types(addition)
        for addition in additions:
            self._add_members(addition)
        return self.file, self.providers

    def _owner(self, name: str) -> str:
        return self.providers.get(name, STOCK)

    def _remove(self, dotted: str, addition: Addition) -> None:
        """Drop the stock field or enum value *dotted*; two additions may both replace the same one."""
        scope, _, name = dotted.rpartition(".")
        message = self._find_message(scope)
        found = _remove_named(message.field, name) if message else False
        holder = self._find_enum(scope)
        found = found or (holder is not None and _remove_named(holder.value, name))
        if not found and self.providers.get(f"-{dotted}") is None:
            raise PluginError(
                f"'replaces' names a field of the stock schema; got '{dotted}'",
                who=addition.provider,
            )
        self.providers[f"-{dotted}"] = addition.provider

    def _add_types(self, addition: Addition) -> None:
        news: list[DescriptorProto | EnumDescriptorProto] = [
            *addition.messages,
            *addition.enums,
        ]
        for new in news:
            taken = {m.name for m in self.file.message_type} | {e.name for e in self.file.enum_type}
            if new.name in taken:
                self._clash("message or enum", new.name, self._owner(new.name), addition)
            self.providers[new.name] = addition.provider
        self.file.message_type.extend(addition.messages)
        self.file.enum_type.extend(addition.enums)

    def _add_members(self, addition: Addition) -> None:
        for scope, fields in addition.fields.items():
            message = self._find_message(scope)
            if message is None:
                raise self._no_scope("message", scope, addition)
            for new in fields:
                _check_number(scope, new.name, new.number, addition)
                for old in message.field:
                    if new.name == old.name:
                        self._clash(
                            f"field of {scope}",
                            new.name,
                            self._owner(f"{scope}.{old.name}"),
                            addition,
                        )
                    if new.number == old.number:
                        what = f"number of {scope}.{new.name}"
                        taken = f"{new.number}, which is {old.name}"
                        self._clash(what, taken, self._owner(f"{scope}.{old.name}"), addition)
                message.field.append(new)
                self.providers[f"{scope}.{new.name}"] = addition.provider
        for scope, values in addition.values.items():
            self._add_values(scope, dict(values), addition)

    def _add_values(self, scope: str, values: dict[str, int], addition: Addition) -> None:
        holder = self._find_enum(scope)
        if holder is None:
            raise self._no_scope("enum", scope, addition)
        for name, number in values.items():
            for old in holder.value:
                if name == old.name or number == old.number:
                    owner = self._owner(f"{scope}.{old.name}")
                    self._clash(
                        f"value of {scope}",
                        f"{name} = {number}, taken by {old.name}",
                        owner,
                        addition,
                    )
            holder.value.add(name=name, number=number)
            self.providers[f"{scope}.{name}"] = addition.provider

    def _clash(self, what: str, name: str, owner: str, addition: Addition) -> None:
        raise PluginError(
            f"a {what} belongs to one provider; {owner} has it already",
            who=addition.provider,
            got=name,
            hint="use another name and number, enable only one of them, or declare 'replaces' for a stock field",
        )

    def _no_scope(self, kind: str, scope: str, addition: Addition) -> PluginError:
        known = [m.name for m in self.file.message_type] + [e.name for e in self.file.enum_type]
        return PluginError(
            f"no {kind} has this name; got '{scope}'",
            who=addition.provider,
            hint=nearest(scope, known),
        )

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
        holders = message.enum_type if message else self.file.enum_type if not scope else ()
        return next((e for e in holders if e.name == name), None)


def _remove_named(members: Any, name: str) -> bool:
    """Delete the member called *name* from a repeated field; False if there is none."""
    for index, member in enumerate(members):
        if member.name == name:
            del members[index]
            return True
    return False


def _check_number(scope: str, name: str, number: int, addition: Addition) -> None:
    if not 0 < number <= LARGEST_NUMBER or number in PROTOBUF_OWN:
        raise PluginError(
            f"the number of a field is 1 to {LARGEST_NUMBER} and not {PROTOBUF_OWN.start} to {PROTOBUF_OWN.stop - 1}",
            who=addition.provider,
            got=f"{number} for {scope}.{name}",
        )
