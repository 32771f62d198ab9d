"""Tables: what a fork of Caffe adds to the schema, written much as in protobuf's own language.

message ROIPoolingParameter {            // a new message; inside: fields, enums, messages
  uint32 pooled_h = 1 [default = 0];     // fields are optional unless 'repeated' or 'required' stands before
}
extend LayerParameter {                  // new fields of a message that is there already
  ROIPoolingParameter roi_pooling_param = 8266711;
}
extend enum LossParameter.NormalizationMode { PRE_FIXED = 3; }
open message InsanityParameter {         // one whose fields are not all known: others are passed over
  float ub = ?;                          // a field whose number is not known: it is read in text only
}
layer ROIPooling roi_pooling_param;      // a layer type of the fork, and the fields it reads
v1 UNPOOLING Unpooling;                  // the new layer type of a V1 enum value

A stock field or enum value whose number a table gives to another keeps its name under a number of no fork, so that
the layers which read it find it, unset; one whose name comes again is the table's from then on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field as dataclass_field
from functools import cached_property
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto

from ..errors import PluginError
from ..proto import Addition, Schema, enum, field, message

TOKEN = re.compile(r"\s+|//[^\n]*|(?P<word>[\w.+?-]+|\"[^\"\n]*\"|[{}\[\]=;,])")
LABELS = ("optional", "repeated", "required")
MOVED = 200_000_000
"""Added to the number of a stock field that gives it up to a fork's."""
UNNUMBERED = 100_000_000
"""Fields without a known number get those from here on."""


@dataclass(frozen=True)
class Table:
    """A part of the schema with its *owner*, the dialect it was written for; other dialects may include it.

    *text* is the table itself, or the path of a file that holds it. It is read when first used.
    """

    owner: str
    text: str | Path

    @property
    def provider(self) -> str:
        """The name by which errors and ``Schema.provider_of`` call this table."""
        part = f"/{self.text.stem}" if isinstance(self.text, Path) else ""
        return f"dialect {self.owner}{part}"

    @cached_property
    def addition(self) -> Addition:
        """What the table adds to the schema. Errors: PluginError for a table that cannot be read."""
        read = self._read
        fields, values = _with_moved(read)
        return Addition(
            self.provider,
            messages=tuple(read.messages),
            enums=tuple(read.enums),
            fields=fields,
            values=values,
            replaces=tuple(_taken_over(read)),
            type_names=read.type_names,
            open=tuple(read.open),
        )

    @property
    def own_fields(self) -> dict[str, list[FieldDescriptorProto]]:
        """The fields that the fork added to messages of others, without stock fields that only change their number."""
        return self._read.fields

    @property
    def own_values(self) -> dict[str, dict[str, int]]:
        """The values that the fork added to enums of others."""
        return self._read.values

    @property
    def layers(self) -> dict[str, tuple[str, ...]]:
        """The layer types of the fork, with the fields of LayerParameter that each reads."""
        return self._read.layers

    @cached_property
    def names(self) -> frozenset[tuple[str, str]]:
        """Every (message, field) and (enum, value) that the table adds, those of its own messages too."""
        found = {(m, f.name) for m, fields in self.own_fields.items() for f in fields}
        found |= {(e, value) for e, values in self.own_values.items() for value in values}
        for new in self._read.messages:
            found |= _names_of(new, new.name)
        return frozenset(found)

    @cached_property
    def _read(self) -> _Reader:
        text = self.text.read_text(encoding="utf-8") if isinstance(self.text, Path) else self.text
        return _Reader(text, self.provider).run()


def _taken_over(read: _Reader) -> Iterator[str]:
    """The stock fields and enum values whose name or number *read* gives to another."""
    for scope, fields in read.fields.items():
        yield from (f"{scope}.{f.name}" for f in _stock_fields(scope) if _clashes(f, fields))
    for scope, values in read.values.items():
        there = _stock_values(scope).items()
        yield from (f"{scope}.{name}" for name, n in there if name in values or n in values.values())


def _with_moved(read: _Reader) -> tuple[dict[str, Sequence[FieldDescriptorProto]], dict[str, dict[str, int]]]:
    """The fields and values of *read*, with those of the stock schema that had to give up their number."""
    fields: dict[str, Sequence[FieldDescriptorProto]] = {}
    for scope, new in read.fields.items():
        names = {f.name for f in new}
        moved = [f for f in _stock_fields(scope) if _clashes(f, new) and f.name not in names]
        for one in moved:
            one.number += MOVED
        fields[scope] = (*new, *moved)
    values = {}
    for scope, chosen in read.values.items():
        there = _stock_values(scope).items()
        taken = {name: n + MOVED for name, n in there if n in chosen.values() and name not in chosen}
        values[scope] = {**chosen, **taken}
    return fields, values


def _clashes(stock: FieldDescriptorProto, fields: Sequence[FieldDescriptorProto]) -> bool:
    return any(f.name == stock.name or f.number == stock.number for f in fields)


def _stock_fields(scope: str) -> list[FieldDescriptorProto]:
    """The fields of a stock message; none for a message of another table."""
    proto = DescriptorProto()
    if scope in Schema.stock().DESCRIPTOR.message_types_by_name:
        Schema.stock().message(scope).DESCRIPTOR.CopyToProto(proto)
    return list(proto.field)


def _stock_values(scope: str) -> dict[str, int]:
    message, _, name = scope.rpartition(".")
    enum = Schema.stock().message(message).DESCRIPTOR.enum_types_by_name[name]
    return {value.name: value.number for value in enum.values}


def _names_of(proto: DescriptorProto, name: str) -> set[tuple[str, str]]:
    found = {(name, f.name) for f in proto.field}
    for nested in proto.nested_type:
        found |= _names_of(nested, f"{name}.{nested.name}")
    for one in proto.enum_type:
        found |= {(f"{name}.{one.name}", value.name) for value in one.value}
    return found


@dataclass
class _Reader:
    """Recursive descent over the words of a table."""

    text: str
    provider: str
    messages: list[DescriptorProto] = dataclass_field(default_factory=list)
    enums: list[EnumDescriptorProto] = dataclass_field(default_factory=list)
    fields: dict[str, list[FieldDescriptorProto]] = dataclass_field(default_factory=dict)
    values: dict[str, dict[str, int]] = dataclass_field(default_factory=dict)
    type_names: dict[str, str] = dataclass_field(default_factory=dict)
    open: list[str] = dataclass_field(default_factory=list)
    layers: dict[str, tuple[str, ...]] = dataclass_field(default_factory=dict)

    def run(self) -> _Reader:
        self.words: list[tuple[str, int]] = list(_words(self.text, self.provider))
        self.at = self.unnumbered = 0
        while self.at < len(self.words):
            self._statement(self._next())
        return self

    def _statement(self, word: str) -> None:
        if word == "message":
            self.messages.append(self._message())
        elif word == "enum":
            self.enums.append(self._enum())
        elif word == "extend":
            self._extend()
        elif word == "open":
            self._take("message")
            self.messages.append(self._message())
            self.open.append(self.messages[-1].name)
        elif word == "layer":
            name, *fields = self._names_to_semicolon()
            self.layers[name] = tuple(fields)
        elif word == "v1":
            old, new = self._names_to_semicolon()
            self.type_names[old] = new
        else:
            self._fail("message, open, enum, extend, layer or v1 begins a statement")

    def _extend(self) -> None:
        scope = self._next()
        if scope == "enum":
            scope = self._next()
            self.values.setdefault(scope, {}).update(self._values())
            return
        self._take("{")
        target = self.fields.setdefault(scope, [])
        while not self._taken("}"):
            target.append(self._field(self._next()))

    def _message(self) -> DescriptorProto:
        name = self._next()
        members: list[FieldDescriptorProto | EnumDescriptorProto | DescriptorProto] = []
        self._take("{")
        while not self._taken("}"):
            word = self._next()
            if word == "enum":
                members.append(self._enum())
            elif word == "message":
                members.append(self._message())
            else:
                members.append(self._field(word))
        return message(name, *members)

    def _enum(self) -> EnumDescriptorProto:
        return enum(self._next(), **self._values())

    def _values(self) -> dict[str, int]:
        self._take("{")
        found = {}
        while not self._taken("}"):
            name = self._next()
            self._take("=")
            found[name] = int(self._next())
            self._take(";")
        return found

    def _field(self, word: str) -> FieldDescriptorProto:
        label, kind = (word, self._next()) if word in LABELS else ("", word)
        name = self._next()
        self._take("=")
        number = self._number(self._next())
        options = self._options()
        self._take(";")
        return field(
            name,
            number,
            kind,
            default=options.get("default"),
            repeated=label == "repeated",
            required=label == "required",
            packed=options.get("packed") == "true",
        )

    def _number(self, word: str) -> int:
        """The number of a field; ``?`` stands for one that is not known, and gets one of its own that no file has."""
        if word != "?":
            return int(word)
        self.unnumbered += 1
        return UNNUMBERED + self.unnumbered

    def _options(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if not self._taken("["):
            return found
        while not self._taken("]"):
            name = self._next()
            self._take("=")
            found[name] = self._next().strip('"')
            self._taken(",")
        return found

    def _names_to_semicolon(self) -> Sequence[str]:
        found = []
        while not self._taken(";"):
            word = self._next()
            if word != ",":
                found.append(word)
        return found

    def _next(self) -> str:
        if self.at == len(self.words):
            self._fail("the table ends in the middle of a statement")
        self.at += 1
        return self.words[self.at - 1][0]

    def _taken(self, mark: str) -> bool:
        found = self.at < len(self.words) and self.words[self.at][0] == mark
        self.at += found
        return found

    def _take(self, mark: str) -> None:
        word = self._next()
        if word != mark:
            self._fail(f"'{mark}' is expected")

    def _fail(self, rule: str) -> None:
        word, line = self.words[self.at - 1] if self.words else ("nothing", 1)
        raise PluginError(rule, where=f"line {line}", who=f"the table of {self.provider}", got=word)


def _words(text: str, provider: str) -> Iterator[tuple[str, int]]:
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        line = text.count("\n", 0, at) + 1
        if found is None:
            raise PluginError("tables hold names, numbers, strings and {}[]=;,", who=provider, where=f"line {line}")
        if found["word"]:
            yield found["word"], line
        at = found.end()
