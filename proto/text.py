"""Protobuf's text format, read so that every complaint has a line and a column.

Read is all that Caffe's files use: comments, strings in either quote with escapes and joined when adjacent,
``name: 1``, ``name { }``, ``name: { }``, ``name < >``, ``;`` or ``,`` after a value, short lists, enums by name or
number, hexadecimal and octal integers. Extensions and ``Any`` are not part of Caffe's files.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypeVar

from . import tokens
from .document import Document, Positions, Source
from .plan import BadValueError, FieldPlan, MessagePlan, plan_of
from .report import KnownElsewhere, Report, shown

if TYPE_CHECKING:
    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")

DEEPEST = 100
"""Groups inside groups, as in protobuf."""
MOST_GROUPS = 100_000
"""Groups of one name in one group, such as layers in a net, beyond which a text is taken for a mistake or an attack."""
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

    Raises ParseError: for the first place that is not text format, or for all values (up to 20) that the schema
    refuses.
    """
    source = Source(decoded(text), file)
    report = Report(source, unknown == "skip", known_elsewhere)
    message, positions = message_class(), Positions(source)
    plan = plan_of(message_class)  # type: ignore[arg-type]
    _Parser(source, report).body(_Scope(message, plan, positions), 0, "", 0)
    report.check_required(message, plan, -1)
    report.raise_problems()
    return Document(message, positions, tuple(report.unknown))


def decoded(text: str | bytes) -> str:
    """*text* as text: UTF-8 without a byte-order mark, other bytes as lone surrogates."""
    if isinstance(text, bytes):
        text = text.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    return text.removeprefix("\ufeff")


class _Scope(NamedTuple):
    """The group that is being read. Without a plan its content is read and dropped."""

    message: Any
    plan: MessagePlan | None
    node: Positions


class _Field(NamedTuple):
    """A field of the group: its name, where that stands, and how it is read (None drops it)."""

    name: str
    at: int
    plan: FieldPlan | None


class _Parser:
    """Recursive descent; every method takes the offset *at* which it begins and returns the one where it ended."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source, self.text, self.report = source, source.text, report

    def body(self, scope: _Scope, at: int, closer: str, depth: int) -> int:
        """Read fields up to *closer*, or with an empty one to the end of the text."""
        if depth > DEEPEST:
            self.report.fail(at - 1, f"groups are nested at most {DEEPEST} deep")
        text, match = self.text, tokens.STATEMENT.match
        plan, node = scope.plan, scope.node
        fields = plan.fields if plan else {}
        while True:
            found = match(text, at)
            if found is None:
                self._explain(at, closer)
            kind, at = found.lastgroup or "end", found.end()
            if kind in {"close", "end"}:
                self._check_close(found["close"] or "", closer, found.start(kind), node.offset)
                return at
            name, start = found["name"], found.start("name")
            field = fields.get(name)
            if field is None and plan is not None:
                self.report.unknown_field(plan, name, start)
            if kind == "open":
                at = self._group(scope, _Field(name, start, field), at, depth)
            elif kind == "list":
                at = self._list(scope, _Field(name, start, field), at, depth, found["colon"] is not None)
            else:
                begin = found.start(kind)
                if found["colon"] is None:
                    self.report.fail(begin, f"':' or '{{' follows the name '{name}'", self._word(begin))
                if field is not None and plan is not None and self._note(plan, field, node, start):
                    self._value(scope.message, plan, field, found[kind], begin)

    def _value(self, message: Any, plan: MessagePlan, field: FieldPlan, word: str, at: int) -> None:
        """Convert one word and store it."""
        try:
            value = field.convert(word)
        except BadValueError as bad:
            self.report.bad_value(plan, field, word, at, bad)
            return
        if field.repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
        if field.rule is not None:
            self.report.check_rule(plan, field, value, at)

    def _group(self, scope: _Scope, field: _Field, at: int, depth: int) -> int:
        """Read ``{ ... }``, the opening brace of which is just before *at*."""
        closer = CLOSERS[self.text[at - 1]]
        inside = Positions(self.source, field.at)
        kind = field.plan
        if kind is None or scope.plan is None or not self._takes_group(scope, kind, inside, at - 1):
            return self.body(_Scope(None, None, inside), at, closer, depth + 1)
        message = getattr(scope.message, field.name)
        if kind.repeated:
            if len(message) >= MOST_GROUPS:
                rule = f"{scope.plan.name}.{field.name} is given at most {MOST_GROUPS} times"
                self.report.fail(field.at, rule)
            message = message.add()
        else:
            message.SetInParent()
        end = self.body(_Scope(message, kind.sub, inside), at, closer, depth + 1)
        self.report.check_required(message, kind.sub, field.at)
        if kind.rule is not None:
            self.report.check_rule(scope.plan, kind, message, field.at)
        return end

    def _takes_group(self, scope: _Scope, field: FieldPlan, inside: Positions, at: int) -> bool:
        """Whether *field* takes the group that begins at *at*; if not, that is a problem."""
        if scope.plan is None:
            return False
        if not field.is_message:
            self.report.bad_value(scope.plan, field, self.text[at], at, field.refusal())
            return False
        return self._note(scope.plan, field, scope.node, inside)

    def _list(self, scope: _Scope, field: _Field, at: int, depth: int, colon: bool) -> int:
        """Read ``[a, b]``, the opening bracket of which is just before *at*."""
        if field.plan is not None and scope.plan is not None and not field.plan.repeated:
            self.report.problem(at - 1, f"{scope.plan.name}.{field.name} takes one value", "a list")
            field = field._replace(plan=None)
        empty = tokens.LIST_END.match(self.text, at)
        if empty:
            return self._after(empty.end())
        while True:
            at = self._item(scope, field, at, depth, colon)
            mark = tokens.AFTER_ITEM.match(self.text, at)
            if mark is None:
                self.report.fail(self._next(at), "',' or ']' follows a value of a list", self._word(at))
            at = mark.end()
            if mark["mark"] == "]":
                return self._after(at)

    def _item(self, scope: _Scope, field: _Field, at: int, depth: int, colon: bool) -> int:
        """Read one value of a list."""
        item = tokens.ITEM.match(self.text, at)
        if item is None:
            self.report.fail(self._next(at), "a list holds values, with commas between them", self._word(at))
        begin = item.start(item.lastgroup or 0)
        if item["open"]:
            return self._group(scope, field._replace(at=begin), item.end(), depth)
        if not colon:
            self.report.fail(begin, f"':' follows the name '{field.name}'", self._word(begin))
        kind = field.plan
        if kind is not None and scope.plan is not None and self._note(scope.plan, kind, scope.node, begin):
            self._value(scope.message, scope.plan, kind, item["value"], begin)
        return item.end()

    def _note(self, plan: MessagePlan, field: FieldPlan, node: Positions, entry: Positions | int) -> bool:
        """Remember where a value stands; False, with a problem, for the second value of a field that takes one."""
        entries = node.fields.get(field.name)
        if entries is None:
            node.fields[field.name] = [entry]
        elif field.repeated:
            entries.append(entry)
        else:
            self.report.second_value(plan, field, _offset(entry), _offset(entries[0]))
            return False
        return True

    def _check_close(self, mark: str, closer: str, at: int, opened: int) -> None:
        if mark == closer:
            return
        if not closer:
            self.report.fail(at, f"'{mark}' closes a group, and none is open")
        hint = f"opened on line {self.source.position(opened).line}"
        self.report.fail(at, f"'{closer}' closes this group", f"'{mark}'" if mark else "the end of the file", hint)

    def _after(self, at: int) -> int:
        """Behind the separator that may follow a value."""
        found = tokens.AFTER_VALUE.match(self.text, at)
        return found.end() if found else at

    def _next(self, at: int) -> int:
        found = tokens.GAP.match(self.text, at)
        return found.end() if found else at

    def _word(self, at: int) -> str:
        found = tokens.WORD.match(self.text, self._next(at))
        return shown(found[0]) if found else "the end of the file"

    def _explain(self, at: int, closer: str) -> NoReturn:
        """Say why no statement starts at *at*."""
        at = self._next(at)
        head = tokens.FIELD_HEAD.match(self.text, at)
        if head is None:
            what = f"a field name or '{closer}'" if closer else "a field name"
            hint = "extensions are not part of Caffe's files" if self.text[at : at + 1] == "[" else None
            self.report.fail(at, f"{what} is expected", self._word(at), hint)
        at = head.end()
        if self.text[at : at + 1] in ("'", '"'):
            line = self.text[at:].split("\n", 1)[0]
            self.report.fail(at, "a string ends on the line where it starts", shown(line))
        what = "a value" if head["colon"] else "':' or '{'"
        self.report.fail(at, f"{what} follows the name '{head['name']}'", self._word(at))


def _offset(entry: Positions | int) -> int:
    return entry.offset if isinstance(entry, Positions) else entry
