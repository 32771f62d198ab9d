"""Typed parameters: what a plugin's layer (or filler, optimizer …) reads from the prototxt, declared in Python.

    class ScaledTanhParameters(Parameters, field="scaled_tanh_param", number=5301):
        height = Float(1, default=1.7159, minimum=0, doc="the value that the curve approaches")
        shape = Choice(2, ("SMOOTH", "HARD"), doc="tanh itself, or its piecewise linear form")

The declaration becomes a message of the schema (here ``ScaledTanhParameters``) and a field of ``LayerParameter``, so
``scaled_tanh_param { height: 2 }`` parses in text and keeps its number in binary files. Values outside the declared
rule are refused with the line they stand on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeAlias

from ..errors import PluginError
from ..proto import addition as schema


@dataclass(frozen=True)
class Field:
    """One declared field: its wire *number*, *default*, permitted range or *choices*, whether *repeated*, *doc*."""

    number: int
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: Sequence[str] = ()
    repeated: bool = False
    required: bool = False
    doc: str = ""
    kind: str = "float"

    def rule(self, name: str, value: Any) -> str | None:
        """The rule that *value* breaks, in words, or None."""
        bounds: list[tuple[float | None, bool, str]] = [
            (self.minimum, self.minimum is not None and value < self.minimum, "at least"),
            (self.maximum, self.maximum is not None and value > self.maximum, "at most"),
            (self.above, self.above is not None and value <= self.above, "greater than"),
            (self.below, self.below is not None and value >= self.below, "less than"),
        ]
        if not any(broken for _, broken, _ in bounds):
            return None
        words = " and ".join(f"{phrase} {bound:g}" for bound, _, phrase in bounds if bound is not None)
        return f"{name} must be {words}"

    @property
    def bounded(self) -> bool:
        return any(b is not None for b in (self.minimum, self.maximum, self.above, self.below))


Float = partial(Field, kind="float")
Int = partial(Field, kind="int32")
UInt = partial(Field, kind="uint32")
Bool = partial(Field, kind="bool")
String = partial(Field, kind="string")


def Choice(number: int, choices: Sequence[str], default: str | None = None, doc: str = "") -> Field:
    """A field that takes one of *choices*, written without quotes; the first is the default unless *default* says."""
    return Field(number, default or choices[0], choices=tuple(choices), doc=doc, kind="enum")


def Message(number: int, name: str, *, repeated: bool = False, doc: str = "") -> Field:
    """A field of another message type of the schema, such as ``FillerParameter`` or ``BlobShape``."""
    return Field(number, repeated=repeated, doc=doc, kind=name)


class Parameters:
    """Base of declarations; fields are class attributes made by ``Float``, ``Int``, ``Choice`` ….

    Class arguments: *field*, the name in the owner message; *number*, its wire number, which must be free in every
    schema it is used with (5000 to 9999 are left to plugins); *owner*, ``LayerParameter`` unless it is, say,
    ``SolverParameter``; *message*, the name of the message (the class's own).
    """

    field: ClassVar[str] = ""
    number: ClassVar[int] = 0
    owner: ClassVar[str] = "LayerParameter"
    message: ClassVar[str] = ""
    fields: ClassVar[dict[str, Field]] = {}

    def __init_subclass__(
        cls, *, field: str = "", number: int = 0, owner: str = "LayerParameter", message: str = "", **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if not field or not 0 < number < 2**29 or 19000 <= number < 20000:
            raise PluginError(
                "a Parameters class needs field= and number=, a wire number from 1 to 536870911 outside 19000-19999",
                who=f"class {cls.__qualname__}",
                got=f"field={field!r}, number={number}",
            )
        cls.field, cls.number, cls.owner, cls.message = field, number, owner, message or cls.__name__
        cls.fields = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        numbers = [f.number for f in cls.fields.values()]
        if len(set(numbers)) != len(numbers):
            raise PluginError(
                "fields of one message need different numbers", who=f"class {cls.__qualname__}", got=str(numbers)
            )

    @classmethod
    def addition(cls, provider: str) -> schema.Addition:
        """What this declaration adds to the schema in the name of *provider*."""
        members: list[Any] = []
        for name, f in cls.fields.items():
            kind = f.kind
            if f.choices:
                kind = "".join(part.capitalize() for part in name.split("_"))
                members.append(schema.enum(kind, **{choice: i for i, choice in enumerate(f.choices)}))
            default = None if f.repeated else f.default
            members.append(
                schema.field(name, f.number, kind, default=default, repeated=f.repeated, required=f.required)
            )
        return schema.Addition(
            provider=provider,
            messages=(schema.message(cls.message, *members),),
            fields={cls.owner: (schema.field(cls.field, cls.number, cls.message),)},
            rules={(cls.message, name): partial(f.rule, name) for name, f in cls.fields.items() if f.bounded},
        )

    @classmethod
    def broken(cls, message: Any) -> tuple[str, str, Any] | None:
        """The first field of *message* whose value breaks its rule, as (field, rule, value); None when all hold.

        For messages that came from no text: a binary file, or code.
        """
        for name, f in cls.fields.items():
            if f.bounded:
                value = getattr(message, name)
                for item in value if f.repeated else [value]:
                    rule = f.rule(name, item)
                    if rule:
                        return name, rule, item
        return None


ParametersClass: TypeAlias = type[Parameters]
"""What the ``parameters`` attribute of a layer, optimizer … holds."""
