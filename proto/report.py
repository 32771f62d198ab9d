"""What the text parser has to complain about, gathered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ..errors import ParseError, nearest
from .document import Source, Unknown
from .hints import value_hint, wrong_level
from .plan import BadValueError, FieldPlan, MessagePlan

KnownElsewhere = Callable[[str, str], "str | None"]
"""From a message and a field that it lacks to a hint about who has it."""

MOST_PROBLEMS = 20
NO_FIELD = "has no field"
LONGEST_WORD = 40


class Report:
    """The problems of one text; raises once there are too many, or at the first one that ends the reading.

    With *skip*, unknown fields and enum values are no problems but entries of ``unknown``.
    """

    def __init__(self, source: Source, skip: bool, known_elsewhere: KnownElsewhere | None) -> None:
        self.source, self.skip, self.known_elsewhere = source, skip, known_elsewhere
        self.unknown: list[Unknown] = []
        self.problems: list[ParseError] = []

    def raise_problems(self) -> None:
        """Raise all that was found, as one error."""
        if self.problems:
            raise ParseError.gather(self.problems)

    def problem(self, at: int, rule: str, got: str | None = None, hint: str | None = None) -> None:
        """Something that the schema refuses: the reading can go on."""
        self.problems.append(ParseError(rule, where=self.source.position(at), got=got, hint=hint))
        if len(self.problems) >= MOST_PROBLEMS:
            self.raise_problems()

    def fail(self, at: int, rule: str, got: str | None = None, hint: str | None = None) -> NoReturn:
        """Something that is not text format: the reading ends here."""
        self.problems.append(ParseError(rule, where=self.source.position(at), got=got, hint=hint))
        raise ParseError.gather(self.problems)

    def unknown_field(self, plan: MessagePlan, name: str, at: int) -> None:
        """A field that *plan* does not have."""
        if self.skip:
            self.unknown.append(Unknown(plan.name, name, None, self.source.position(at)))
        if self.skip or plan.open:
            return
        hint = self.known_elsewhere(plan.name, name) if self.known_elsewhere else None
        hint = hint or wrong_level(plan, name) or nearest(name, plan.fields)
        self.problem(at, f"{plan.name} {NO_FIELD} '{name}'", None, hint)

    def bad_value(self, plan: MessagePlan, field: FieldPlan, word: str, at: int, bad: BadValueError) -> None:
        """A value that *field* refuses."""
        if bad.enum_name and self.skip:
            self.unknown.append(Unknown(plan.name, field.name, word, self.source.position(at)))
            return
        hint = value_hint(plan.name, field.name, word) or bad.hint
        self.problem(at, f"{plan.name}.{field.name} is {bad.wants}", shown(word), hint)

    def second_value(self, plan: MessagePlan, field: FieldPlan, at: int, first: int) -> None:
        """Another value of a field that takes one."""
        line = self.source.position(first).line
        self.problem(at, f"{plan.name}.{field.name} takes one value", "a second one", f"the first is on line {line}")

    def check_rule(self, plan: MessagePlan, field: FieldPlan, value: Any, at: int) -> None:
        """Apply the rule that a provider gave for *field*, if any."""
        broken = field.rule(value) if field.rule else None
        if broken:
            self.problem(at, f"{plan.name}.{field.name}: {broken}", None if field.is_message else str(value))

    def check_required(self, message: Any, plan: MessagePlan, at: int) -> None:
        """Required fields must be there when a message ends."""
        for name in plan.required:
            if not message.HasField(name):
                self.problem(at, f"{plan.name} needs '{name}'")


def shown(word: str) -> str:
    """*word*, cut to a length that fits in a message, and printable anywhere."""
    cut = word if len(word) <= LONGEST_WORD else word[: LONGEST_WORD - 3] + "..."
    return cut if cut.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
