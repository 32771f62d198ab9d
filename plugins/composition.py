"""The schema that all plugins make together, and what had to be left out of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

from ..errors import PluginError
from ..proto import Addition, Schema
from .parameters import ParametersClass
from .registry import Provider

Declared = tuple[ParametersClass, Provider]
Refused = dict[ParametersClass, PluginError]


def compose(declared: list[Declared]) -> tuple[Schema, Refused]:
    """The stock schema with everything *declared*, and the declarations that were refused, with the reason.

    Third-party declarations that contradict the schema, or each other, are left out, all sides of a clash: a file is
    then never read with a field of another package than it was written for. Errors: PluginError among built-in ones.
    """
    try:
        return _schema(declared), {}
    except PluginError:
        builtin = [d for d in declared if d[1].builtin]
        _schema(builtin)
    others = [d for d in declared if not d[1].builtin]
    refused: Refused = {}
    for one in others:
        if (error := _error([*builtin, one])) is not None:
            refused[one[0]] = error
    left = [d for d in others if d[0] not in refused]
    for pair in combinations(left, 2):
        if (error := _error([*builtin, *pair])) is not None:
            for cls, _ in pair:
                refused.setdefault(cls, error)
    return _schema([d for d in declared if d[0] not in refused]), refused


def _schema(declared: list[Declared]) -> Schema:
    return Schema.compose(_without_repeats([cls.addition(str(provider)) for cls, provider in declared]))


def _error(declared: list[Declared]) -> PluginError | None:
    try:
        _schema(declared)
    except PluginError as error:
        return error
    return None


def _without_repeats(additions: list[Addition]) -> list[Addition]:
    """A message that one provider declares twice alike (two compiled descriptors may share one) counts once."""
    seen: set[tuple[str, str, bytes]] = set()

    def first(provider: str, member: DescriptorProto | EnumDescriptorProto) -> bool:
        key = (provider, member.name, member.SerializeToString(deterministic=True))
        return key not in seen and not seen.add(key)  # type: ignore[func-returns-value]

    return [
        replace(
            a,
            messages=tuple(m for m in a.messages if first(a.provider, m)),
            enums=tuple(e for e in a.enums if first(a.provider, e)),
        )
        for a in additions
    ]
