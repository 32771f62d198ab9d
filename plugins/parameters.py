"""Typed parameters: what a plugin's layer (or filler, optimizer …) reads from the prototxt, declared in Python.

    class ScaledTanhParameters(Parameters, field="scaled_tanh_param", number=81265301):
        height = Float(1, default=1.7159, above=0, doc="the value that the curve approaches")
        shape = Choice(2, ("SMOOTH", "HARD"), doc="tanh itself, or its piecewise linear form")

The declaration becomes a message of the schema (here ``ScaledTanhParameters``) and a field of ``LayerParameter``, so
``scaled_tanh_param { height: 2 }`` parses in text and keeps its number in binary files. Values outside the declared
rule are refused with the line they stand on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from ..errors import CortadoError, ParameterError, PluginError, Position
from ..proto import addition as schema
from .fields import WORD, Field

if TYPE_CHECKING:
    from pathlib import Path

Place = Callable[..., "Position | None"]
"""From the path of a field to where it stands: ``Positions.at`` or ``LayerContext.position``."""


@dataclass(frozen=True)
class Violation:
    """A value that breaks a rule: the *path* of its field in the parameters, the *rule* in words, the *value*."""

    path: tuple[str | int, ...]
    rule: str
    value: Any = None


class Parameters:
    """Base of declarations; fields are class attributes made by ``Float``, ``Int``, ``Choice`` ….

    Class arguments: *field*, the name in the owner message; *number*, its wire number, which must be free in every
    schema it is used with (``cortado new-layer`` draws one from the name); *owner*, ``LayerParameter`` unless it is,
    say, ``SolverParameter``; *message*, the name of the message (the class's own).

    A rule that concerns several fields goes into ``check``.

    Errors: PluginError, when the class is made, for a declaration that contradicts itself.
    """

    plugin_kind: ClassVar[str] = "parameters"
    field: ClassVar[str] = ""
    number: ClassVar[int] = 0
    owner: ClassVar[str] = "LayerParameter"
    message: ClassVar[str] = ""
    fields: ClassVar[dict[str, Field]] = {}

    def __init_subclass__(
        cls, *, field: str = "", number: int = 0, owner: str = "LayerParameter", message: str = "", **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if not WORD.match(field) or Field(number).mistake():
            raise PluginError(
                "a Parameters class needs field=, a name, and number=, from 1 to 536870911 outside 19000 to 19999",
                who=f"class {cls.__qualname__}",
                got=f"field={field!r}, number={number!r}",
            )
        declared = {
            key: value
            for base in reversed(cls.__mro__)
            for key, value in vars(base).items()
            if isinstance(value, Field)
        }
        for key in RESERVED & declared.keys():
            raise PluginError(
                f"a field of a Parameters class cannot be called '{key}' in Python",
                who=f"class {cls.__qualname__}",
                hint=f'write {key}_ = …(…, name="{key}")',
            )
        cls.field, cls.number, cls.owner, cls.message = field, number, owner, message or cls.__name__
        cls.fields = {value.name or key: value for key, value in declared.items()}
        cls._check_declaration()

    @classmethod
    def _check_declaration(cls) -> None:
        taken: dict[int, str] = {}
        for name, field in cls.fields.items():
            mistake = field.mistake()
            if field.number in taken:
                mistake = f"its number {field.number} is that of '{taken[field.number]}' already"
            if mistake:
                raise PluginError(f"field '{name}': {mistake}", who=f"class {cls.__qualname__}")
            taken[field.number] = name

    @classmethod
    def check(cls, param: Any) -> str | None:
        """The rule that the whole message *param* breaks, in words, or None; for subclasses to implement.

        Called when the block has been read from text, and for every net or solver that came from anywhere else.
        """
        return None

    @classmethod
    def addition(cls, provider: str) -> schema.Addition:
        """What this declaration adds to the schema in the name of *provider*."""
        members = [member for name, field in cls.fields.items() for member in _members(name, field)]
        return cls._addition(provider, schema.message(cls.message, *members))

    @classmethod
    def _addition(cls, provider: str, *messages: Any, enums: tuple[Any, ...] = ()) -> schema.Addition:
        rules: dict[tuple[str, str], schema.Rule] = {
            (cls.message, name): field.rule for name, field in cls.fields.items() if field.ruled
        }
        if cls.check.__func__ is not Parameters.check.__func__:  # type: ignore[attr-defined]
            rules[cls.owner, cls.field] = cls.check
        return schema.Addition(
            provider=provider,
            messages=messages,
            enums=enums,
            fields={cls.owner: (schema.field(cls.field, cls.number, cls.message),)},
            rules=rules,
        )

    @classmethod
    def from_descriptor(
        cls, descriptor: Any | bytes | Path, message: str, *, field: str, number: int, owner: str = "LayerParameter"
    ) -> ParametersClass:
        """Declare by a compiled ``.proto`` instead of in Python.

        *descriptor*: what ``protoc --descriptor_set_out`` writes (a path or its bytes), or the ``DESCRIPTOR`` of a
        generated module; *message*: the name in it of the message that becomes *field* of *owner*. It comes with the
        messages and enums that it uses.
        """
        from .compiled import declare

        return declare(cls, descriptor, message, field=field, number=number, owner=owner)

    @classmethod
    def violations(cls, param: Any) -> Iterator[Violation]:
        """Every rule that the message *param* breaks; for messages that came from no text: a binary file, or code."""
        for name, field in cls.fields.items():
            if field.required and not param.HasField(name):
                yield Violation((name,), f"{cls.field} needs '{name}'")
            elif field.ruled and field.repeated:
                for index, item in enumerate(getattr(param, name)):
                    if rule := field.rule(item):
                        yield Violation((name, index), f"{name} {rule}", item)
            elif field.ruled and (rule := field.rule(getattr(param, name))):
                yield Violation((name,), f"{name} {rule}", getattr(param, name))
        if rule := cls.check(param):
            yield Violation((), f"{cls.field}: {rule}")

    @classmethod
    def broken(cls, param: Any) -> Violation | None:
        """The first of ``violations``, or None when all rules hold."""
        return next(cls.violations(param), None)

    @classmethod
    def require(
        cls, owner: Any, place: Place | None = None, who: str | None = None, error: type[CortadoError] = ParameterError
    ) -> None:
        """Raise *error* for the first rule broken in the message *owner*, with its *place* and *who* reads it."""
        found = cls.broken(getattr(owner, cls.field))
        if found is not None:
            where = place(cls.field, *found.path) if place is not None else None
            value = found.value
            got = f"{value:g}" if isinstance(value, float) else None if value is None else repr(value)
            raise error(found.rule, where=where, who=who, got=got)


ParametersClass: TypeAlias = type[Parameters]
"""For annotations in classes that have an attribute called ``type`` or ``parameters``."""

RESERVED = frozenset(name for name in dir(Parameters) if not name.startswith("__"))


def _members(name: str, field: Field) -> Iterator[Any]:
    """The field as a descriptor, after the enum that it needs.

    Names of enum values are unique in the message *around* the enum, so each enum gets a message of its own around it;
    else no two fields of one message could have the choice NONE.
    """
    kind = field.kind
    if kind == "enum":
        around = "".join(part.capitalize() for part in name.split("_")) + "Choice"
        kind = f"{around}.Value"
        yield schema.message(around, schema.enum("Value", **{choice: i for i, choice in enumerate(field.choices)}))
    default = None if field.repeated else field.default
    yield schema.field(name, field.number, kind, default=default, repeated=field.repeated, required=field.required)
