"""Combine: the schema of some tables on top of another schema, exactly as the forks numbered it or merged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto

from ..proto import Addition, Schema
from .table import Table

MOVED = 300_000_000
"""Numbers from here on are given to fields whose own number is taken."""
MERGED = "merged dialects"


def combine(base: Schema, tables: Iterable[Table]) -> Schema:
    """*base* with *tables*, every number as the fork has it.

    What *base* has from a plugin gives no way: the plugin's field of the same name is the one that counts.
    Errors: PluginError, naming both sides, where two want the same number.
    """
    there = {a.provider for a in base.additions}
    additions = list(base.additions)
    for table in dict.fromkeys(tables):
        if table.provider not in there:
            additions.append(_without(table.addition, additions))
    return Schema.compose(additions)


def _without(addition: Addition, others: Sequence[Addition]) -> Addition:
    """The addition without the fields, messages and enum values that *others* have brought already."""
    types = {m.name for a in others for m in a.messages}
    taken = {(s, f.name) for a in others for s, fields in a.fields.items() for f in fields}
    values = {(s, name) for a in others for s, found in a.values.items() for name in found}
    return replace(
        addition,
        messages=tuple(m for m in addition.messages if m.name not in types),
        fields={s: tuple(f for f in fields if (s, f.name) not in taken) for s, fields in addition.fields.items()},
        values={s: {n: v for n, v in v.items() if (s, n) not in values} for s, v in addition.values.items()},
    )


def merge(base: Schema, tables: Sequence[Table]) -> Schema:
    """*base* with all *tables*, for a text that uses fields of forks whose numbers collide.

    Names count here: a field that is there already stays as it is, messages of one name get the fields of both, and
    a field whose number is taken gets one from ``MOVED`` on. Nothing of *base* is replaced.
    """
    merged = _Merger(base)
    for table in tables:
        merged.add(table)
    return Schema.compose((*base.additions, merged.addition))


class _Merger:
    def __init__(self, base: Schema) -> None:
        self.base = base
        self.next = MOVED
        self.messages: dict[str, DescriptorProto] = {}
        self.enums: dict[str, EnumDescriptorProto] = {}
        self.open: list[str] = []
        self.fields: dict[str, list[FieldDescriptorProto]] = {}
        self.values: dict[str, dict[str, int]] = {}
        self.type_names: dict[str, str] = {}

    @property
    def addition(self) -> Addition:
        return Addition(
            MERGED,
            messages=tuple(self.messages.values()),
            enums=tuple(self.enums.values()),
            fields={scope: tuple(fields) for scope, fields in self.fields.items()},
            values=self.values,
            type_names=self.type_names,
            open=tuple(self.open),
        )

    def add(self, table: Table) -> None:
        addition = table.addition
        known = self.base.DESCRIPTOR.message_types_by_name
        for message in addition.messages:
            if message.name in known:
                self._extend(message.name, message.field)
            elif message.name in self.messages:
                self._unite(self.messages[message.name], message)
            else:
                self.messages[message.name] = DescriptorProto()
                self.messages[message.name].CopyFrom(message)
        for one in addition.enums:
            if one.name in self.enums:
                self._unite_enums(self.enums[one.name], one)
            elif one.name not in self.base.DESCRIPTOR.enum_types_by_name:
                self.enums[one.name] = EnumDescriptorProto()
                self.enums[one.name].CopyFrom(one)
        self.open += [name for name in addition.open if name in self.messages and name not in self.open]
        for scope, fields in table.own_fields.items():
            self._extend(scope, fields)
        for scope, values in table.own_values.items():
            self._add_values(scope, values)
        self.type_names |= addition.type_names

    def _extend(self, scope: str, fields: Iterable[FieldDescriptorProto]) -> None:
        if scope in self.messages:
            self._put(self.messages[scope].field, fields, [])
            return
        there = [(f.name, f.number) for f in self.base.message(scope).DESCRIPTOR.fields]
        self._put(self.fields.setdefault(scope, []), fields, there)

    def _put(self, target: object, fields: Iterable[FieldDescriptorProto], there: list[tuple[str, int]]) -> None:
        """Append to *target* each of *fields* that has a new name, under its own number if that is free."""
        for field in fields:
            all_there = there + [(f.name, f.number) for f in target]  # type: ignore[attr-defined]
            if field.name in {name for name, _ in all_there}:
                continue
            copy = FieldDescriptorProto()
            copy.CopyFrom(field)
            if field.number in {number for _, number in all_there}:
                copy.number, self.next = self.next, self.next + 1
            target.append(copy)  # type: ignore[attr-defined]

    def _unite(self, mine: DescriptorProto, other: DescriptorProto) -> None:
        self._put(mine.field, other.field, [])
        for nested in other.nested_type:
            found = next((m for m in mine.nested_type if m.name == nested.name), None)
            if found is None:
                mine.nested_type.append(nested)
            else:
                self._unite(found, nested)
        for one in other.enum_type:
            enum = next((e for e in mine.enum_type if e.name == one.name), None)
            if enum is None:
                mine.enum_type.append(one)
            else:
                self._unite_enums(enum, one)

    def _unite_enums(self, mine: EnumDescriptorProto, other: EnumDescriptorProto) -> None:
        for value in other.value:
            names = {v.name for v in mine.value}
            numbers = {v.number for v in mine.value}
            if value.name not in names:
                mine.value.add(
                    name=value.name, number=value.number if value.number not in numbers else max(numbers) + 1
                )

    def _add_values(self, scope: str, values: object) -> None:
        enum = _enum_of(self.base, scope)
        there = dict(enum)
        target = self.values.setdefault(scope, {})
        for name, number in values.items():  # type: ignore[attr-defined]
            if name in there or name in target:
                continue
            numbers = {*there.values(), *target.values()}
            target[name] = number if number not in numbers else max(numbers) + 1


def _enum_of(schema: Schema, dotted: str) -> dict[str, int]:
    message, _, name = dotted.rpartition(".")
    enum = schema.message(message).DESCRIPTOR.enum_types_by_name[name]
    return {value.name: value.number for value in enum.values}
