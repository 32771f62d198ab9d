"""How each field of a message is read from text: built once a message class, used for every value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from ..errors import nearest
from .addition import Rule
from .schema import PACKAGE, Schema
from .tokens import read_bytes_literal, read_float, read_integer, read_string_literal

if TYPE_CHECKING:
    from google.protobuf.message import Message

MOST_NAMES = 8
"""Names of an enum that a message lists."""
QUOTES = "\"'"
TRUE, FALSE = ("true", "True", "t"), ("false", "False", "f")


class BadValueError(Exception):
    """A value that its field refuses: what the field takes, and a hint."""

    def __init__(self, wants: str, hint: str | None = None, *, enum_name: bool = False) -> None:
        super().__init__(wants)
        self.wants, self.hint, self.enum_name = wants, hint, enum_name


class FieldPlan:
    """One field: its name, whether it repeats, ``convert`` from a word of the text, ``sub`` for a message."""

    __slots__ = (
        "_descriptor",
        "_plans",
        "_sub",
        "convert",
        "is_message",
        "name",
        "repeated",
        "rule",
    )

    def __init__(self, descriptor: Any, plans: _Plans) -> None:
        self.name, self.repeated = descriptor.name, _has_label(descriptor, "repeated")
        self._descriptor: Any = descriptor
        self._plans = plans
        self._sub: MessagePlan | None = None
        self.is_message = descriptor.message_type is not None
        self.convert: Callable[[str], Any] = _refuse if self.is_message else _converter(descriptor)
        self.rule: Rule | None = plans.rules.get((_short(descriptor.containing_type), self.name))

    def refusal(self) -> BadValueError:
        """What the field takes, as the refusal of a group in its place."""
        try:
            self.convert("{")
        except BadValueError as bad:
            return BadValueError(bad.wants)
        return BadValueError("a single value")

    @property
    def sub(self) -> MessagePlan:
        """The plan of the message in this field."""
        if self._sub is None:
            self._sub = self._plans.get(self._descriptor.message_type)
        return self._sub


class MessagePlan:
    """One message: its name without the package, its fields, the names of the required ones, and whether it is open:
    whether it may have fields that the schema does not know."""

    __slots__ = ("fields", "name", "open", "required")

    def __init__(self, descriptor: Any, plans: _Plans) -> None:
        self.name = _short(descriptor)
        self.open = self.name in plans.open
        self.required = tuple(f.name for f in descriptor.fields if _has_label(f, "required"))
        self.fields: dict[str, FieldPlan] = {f.name: FieldPlan(f, plans) for f in descriptor.fields}


class _Plans:
    """The plans of all messages that are reached from one class."""

    def __init__(self, rules: Mapping[tuple[str, str], Rule], open: frozenset[str]) -> None:
        self.rules, self.open = rules, open
        self._known: dict[str, MessagePlan] = {}

    def get(self, descriptor: Any) -> MessagePlan:
        plan = self._known.get(descriptor.full_name)
        if plan is None:
            plan = self._known[descriptor.full_name] = MessagePlan(descriptor, self)
        return plan


@lru_cache(maxsize=64)
def plan_of(message_class: type[Message]) -> MessagePlan:
    """The plan of *message_class*; rules come from the schema that it belongs to."""
    schema = Schema.of(message_class)
    plans = _Plans(schema.rules, schema.open) if schema else _Plans({}, frozenset())
    return plans.get(message_class.DESCRIPTOR)


def _short(descriptor: Any) -> str:
    name: str = descriptor.full_name
    return name.removeprefix(f"{PACKAGE}.")


def _has_label(field: Any, label: str) -> bool:
    """Whether *field* is ``repeated`` or ``required``: numbers in old protobuf, which newer ones warn of."""
    known = getattr(field, f"is_{label}", None)
    if known is None:
        return bool(field.label == getattr(field, f"LABEL_{label.upper()}"))
    return bool(known)


def _refuse(word: str) -> Any:
    raise BadValueError("a group in braces")


def _converter(field: Any) -> Callable[[str], Any]:
    kind = field.type
    if kind == field.TYPE_STRING:
        return _to_string
    if kind == field.TYPE_BYTES:
        return _to_bytes
    if kind == field.TYPE_BOOL:
        return _to_bool
    if kind in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return _to_float
    if kind == field.TYPE_ENUM:
        return _to_enum(field.enum_type)
    bits = 64 if field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64) else 32
    signed = field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return partial(_to_integer, low, high)


def _to_string(word: str) -> str:
    if word[0] not in QUOTES:
        raise BadValueError("text in quotes", f'write "{word}"')
    try:
        return read_string_literal(word)
    except ValueError as error:
        raise BadValueError(f"text in quotes, where {error}") from None


def _to_bytes(word: str) -> bytes:
    if word[0] not in QUOTES:
        raise BadValueError("bytes in quotes", f'write "{word}"')
    try:
        return read_bytes_literal(word)
    except ValueError as error:
        raise BadValueError(f"bytes in quotes, where {error}") from None


def _to_bool(word: str) -> bool:
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    number = read_integer(word) if word[0] not in QUOTES else None
    if number not in (0, 1) or word[0] == "-":
        raise BadValueError("true or false", _unquoted(word))
    return bool(number)


def _to_float(word: str) -> float:
    number = read_float(word) if word[0] not in QUOTES else None
    if number is None:
        raise BadValueError("a number", _unquoted(word))
    return number


def _to_integer(low: int, high: int, word: str) -> int:
    number = read_integer(word) if word[0] not in QUOTES else None
    if number is None or not low <= number <= high:
        raise BadValueError(f"an integer from {low} to {high}", _unquoted(word))
    return number


def _to_enum(enum: Any) -> Callable[[str], int]:
    numbers: dict[str, int] = {value.name: value.number for value in enum.values}
    valid = frozenset(numbers.values())

    def convert(word: str) -> int:
        number = numbers.get(word)
        if number is not None:
            return number
        number = read_integer(word) if word[0] not in QUOTES else None
        if number is not None and number in valid:
            return number
        hint = _unquoted(word) if word[0] in QUOTES else nearest(word, numbers)
        raise BadValueError(f"one of {_listed(list(numbers))}", hint, enum_name=word[0] not in QUOTES)

    return convert


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown}, ... ({len(names)} names)"


def _unquoted(word: str) -> str | None:
    return "write it without quotes" if word[0] in QUOTES else None
