"""Protobuf's text format, read so that every complaint has a line and a column.

Read is all that Caffe's files use: comments, strings in either quote with escapes and joined when adjacent,
``name: 1``, ``name { }``, ``name: { }``, ``name < >``, ``;`` or ``,`` after a value, short lists, enums by name or
number, hexadecimal and octal integers. Extensions and ``Any`` are not part of Caffe's files.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

from ..errors import ParseError, nearest
from . import tokens
from .document import Document, Positions, Source, Unknown
from .hints import value_hint, wrong_level
from .plan import BadValueError, FieldPlan, MessagePlan, plan_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")
KnownElsewhere = Callable[[str, str], "str | None"]
"""From a message and a field that it lacks to a hint about who has it."""

MOST_PROBLEMS = 20
DEEPEST = 100
SHOWN = 40
CLOSERS = {"{": "}", "<": ">"}


def parse_text(
    text: str | bytes,
    message_class: type[M],
    file: str,
    *,
    unknown: Literal["error", "skip"] = "error",
    known_elsewhere: KnownElsewhere | None = None,
) -> Document[M]:
    """Parse *text* as a *message_class*; *file* is the name that positions carry.

    Unknown fields and enum values are errors, or with ``unknown="skip"`` are left out and listed in
    ``Document.unknown``. *known_elsewhere* may add a hint to an unknown field.

    Raises ParseError: for the first place that is not text format, or for all fields (up to 20) that the schema
    refuses.
    """
    source = Source(_decoded(text), file)
    parser = _Parser(source, skip=unknown == "skip", known_elsewhere=known_elsewhere)
    message = message_class()
    positions = Positions(source)
    parser.run(message, plan_of(message_class), positions)  # type: ignore[arg-type]
    return Document(message, positions, tuple(parser.unknown))


def _decoded(text: str | bytes) -> str:
    if isinstance(text, bytes):
        text = text.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    return text.removeprefix("\ufeff")


class _Parser:
    def __init__(self, source: Source, skip: bool, known_elsewhere: KnownElsewhere | None) -> None:
        self.source, self.text = source, source.text
        self.skip, self.known_elsewhere = skip, known_elsewhere
        self.unknown: list[Unknown] = []
        self.problems: list[ParseError] = []

    def run(self, message: Message, plan: MessagePlan, positions: Positions) -> None:
        self._body(message, plan, positions, 0, "", 0)
        self._check_required(message, plan, -1)
        if self.problems:
            raise ParseError.gather(self.problems)

    def _body(
        self,
        message: Any,
        plan: MessagePlan | None,
        node: Positions,
        at: int,
        closer: str,
        depth: int,
    ) -> int:
        """Read fields into *message* up to *closer* (or the end); returns the offset behind it.

        Without a plan everything is read and dropped.
        """
        if depth > DEEPEST:
            self._fail(at - 1, f"groups are nested at most {DEEPEST} deep")
        text, match, fields = (
            self.text,
            tokens.STATEMENT.match,
            plan.fields if plan else {},
        )
        while True:
            found = match(text, at)
            if found is None:
                self._explain(at, closer)
            kind, at = found.lastgroup or "end", found.end()
            if kind == "close" or kind == "end":
                self._check_close(found["close"] or "", closer, found.start(kind), node.offset)
                return at
            name, start = found["name"], found.start("name")
            field = fields.get(name)
            if field is None and plan is not None:
                self._unknown_field(plan, name, start)
            if kind == "open":
                at = self._group(message, field, plan, node, name, start, at, depth)
            elif kind == "list":
                at = self._list(
                    message,
                    field,
                    plan,
                    node,
                    name,
                    start,
                    at,
                    depth,
                    bool(found["colon"]),
                )
            else:
                begin = found.start(kind)
                if found["colon"] is None:
                    self._fail(begin, f"':' or '{{' follows the name '{name}'", self._word(begin))
                if field is not None and plan is not None and self._note(plan, field, node, start):
                    self._value(message, plan, field, found[kind], begin)

    def _value(self, message: Any, plan: MessagePlan, field: FieldPlan, word: str, at: int) -> None:
        """Convert one word and store it."""
        try:
            value = field.convert(word)
        except BadValueError as bad:
            self._bad_value(plan, field, word, at, bad)
            return
        if field.repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
        if field.rule is not None:
            self._check_rule(plan, field, value, at)

    def _group(
        self,
        message: Any,
        field: FieldPlan | None,
        plan: MessagePlan | None,
        node: Positions,
        name: str,
        start: int,
        at: int,
        depth: int,
    ) -> int:
        """Read ``{ ... }``, the opening brace of which is just before *at*."""
        closer = CLOSERS[self.text[at - 1]]
        child = Positions(self.source, start)
        if field is None or plan is None:
            return self._body(None, None, child, at, closer, depth + 1)
        if not field.is_message:
            self._bad_value(plan, field, self.text[at - 1], at - 1, _wanted(field))
            return self._body(None, None, child, at, closer, depth + 1)
        if not self._note(plan, field, node, child):
            return self._body(None, None, child, at, closer, depth + 1)
        inner = getattr(message, name)
        if field.repeated:
            inner = inner.add()
        else:
            inner.SetInParent()
        end = self._body(inner, field.sub, child, at, closer, depth + 1)
        self._check_required(inner, field.sub, start)
        if field.rule is not None:
            self._check_rule(plan, field, inner, start)
        return end

    def _list(
        self,
        message: Any,
        field: FieldPlan | None,
        plan: MessagePlan | None,
        node: Positions,
        name: str,
        start: int,
        at: int,
        depth: int,
        colon: bool,
    ) -> int:
        """Read ``[a, b]``, the opening bracket of which is just before *at*."""
        if field is not None and plan is not None and not field.repeated:
            self._problem(at - 1, f"{plan.name}.{name} takes one value", "a list")
            field = plan = None
        empty = tokens.LIST_END.match(self.text, at)
        if empty:
            return self._after(empty.end())
        while True:
            item = tokens.ITEM.match(self.text, at)
            if item is None:
                self._fail(
                    self._next(at),
                    "a list holds values, with commas between them",
                    self._word(at),
                )
            begin, at = item.start(item.lastgroup or 0), item.end()
            if item["open"]:
                at = self._group(message, field, plan, node, name, begin, at, depth)
            elif not colon:
                self._fail(begin, f"':' follows the name '{name}'", self._word(begin))
            elif field is not None and plan is not None and self._note(plan, field, node, begin):
                self._value(message, plan, field, item["value"], begin)
            mark = tokens.AFTER_ITEM.match(self.text, at)
            if mark is None:
                self._fail(
                    self._next(at),
                    "',' or ']' follows a value of a list",
                    self._word(at),
                )
            at = mark.end()
            if mark["mark"] == "]":
                return self._after(at)

    def _note(
        self,
        plan: MessagePlan,
        field: FieldPlan,
        node: Positions,
        entry: Positions | int,
    ) -> bool:
        """Remember where a value stands; False, with a problem, for the second value of a field that takes one."""
        entries = node.fields.get(field.name)
        if entries is None:
            node.fields[field.name] = [entry]
        elif field.repeated:
            entries.append(entry)
        else:
            first = entries[0]
            line = (first.here if isinstance(first, Positions) else self.source.position(first)).line
            offset = entry.offset if isinstance(entry, Positions) else entry
            self._problem(
                offset,
                f"{plan.name}.{field.name} takes one value",
                "a second one",
                f"first on line {line}",
            )
            return False
        return True

    def _unknown_field(self, plan: MessagePlan, name: str, at: int) -> None:
        if self.skip:
            self.unknown.append(Unknown(plan.name, name, None, self.source.position(at)))
            return
        hint = self.known_elsewhere(plan.name, name) if self.known_elsewhere else None
        hint = hint or wrong_level(plan, name) or nearest(name, plan.fields)
        self._problem(at, f"{plan.name} has no field '{name}'", None, hint)

    def _bad_value(self, plan: MessagePlan, field: FieldPlan, word: str, at: int, bad: BadValueError) -> None:
        if bad.enum_name and self.skip:
            self.unknown.append(Unknown(plan.name, field.name, word, self.source.position(at)))
            return
        hint = value_hint(plan.name, field.name, word) or bad.hint
        self._problem(at, f"{plan.name}.{field.name} is {bad.wants}", _shown(word), hint)

    def _check_rule(self, plan: MessagePlan, field: FieldPlan, value: Any, at: int) -> None:
        broken = field.rule(value) if field.rule else None
        if broken:
            got = None if field.is_message else str(value)
            self._problem(at, f"{plan.name}.{field.name}: {broken}", got)

    def _check_required(self, message: Any, plan: MessagePlan, at: int) -> None:
        for name in plan.required:
            if not message.HasField(name):
                self._problem(at, f"{plan.name} needs '{name}'")

    def _check_close(self, mark: str, closer: str, at: int, opened: int) -> None:
        if mark == closer:
            return
        if not closer:
            self._fail(at, f"'{mark}' closes a group, and none is open")
        hint = f"opened on line {self.source.position(opened).line}"
        self._fail(
            at,
            f"'{closer}' closes this group",
            f"'{mark}'" if mark else "the end of the file",
            hint,
        )

    def _after(self, at: int) -> int:
        """Behind the separator that may follow a value."""
        found = tokens.AFTER_VALUE.match(self.text, at)
        return found.end() if found else at

    def _next(self, at: int) -> int:
        found = tokens.GAP.match(self.text, at)
        return found.end() if found else at

    def _word(self, at: int) -> str:
        found = tokens.WORD.match(self.text, self._next(at))
        return _shown(found[0]) if found else "the end of the file"

    def _problem(self, at: int, rule: str, got: str | None = None, hint: str | None = None) -> None:
        self.problems.append(ParseError(rule, where=self.source.position(at), got=got, hint=hint))
        if len(self.problems) >= MOST_PROBLEMS:
            raise ParseError.gather(self.problems)

    def _fail(self, at: int, rule: str, got: str | None = None, hint: str | None = None) -> NoReturn:
        self.problems.append(ParseError(rule, where=self.source.position(at), got=got, hint=hint))
        raise ParseError.gather(self.problems)

    def _explain(self, at: int, closer: str) -> NoReturn:
        """Say why no statement starts at *at*."""
        at = self._next(at)
        head = tokens.FIELD_HEAD.match(self.text, at)
        if head is None:
            what = f"a field name or '{closer}'" if closer else "a field name"
            hint = "extensions are not part of Caffe's files" if self.text[at : at + 1] == "[" else None
            self._fail(at, f"{what} is expected", self._word(at), hint)
        at = head.end()
        if self.text[at : at + 1] in ("'", '"'):
            self._fail(
                at,
                "a string ends on the line where it starts",
                _shown(self.text[at:].split("\n", 1)[0]),
            )
        what = "a value" if head["colon"] else "':' or '{'"
        self._fail(at, f"{what} follows the name '{head['name']}'", self._word(at))


def _wanted(field: FieldPlan) -> BadValueError:
    """What a scalar field takes, in words."""
    try:
        field.convert("{")
    except BadValueError as bad:
        return BadValueError(bad.wants)
    return BadValueError("a single value")


def _shown(word: str) -> str:
    return word if len(word) <= SHOWN else word[: SHOWN - 3] + "..."
