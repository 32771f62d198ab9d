"""Choose: the schema of a text, with the dialects whose fields it uses.

The text is read once with the schema at hand. What that lacks says which dialects can be meant; each of them is tried,
smallest first, until one leaves nothing unknown. Files that mix forks get several, merged where numbers collide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ParseError, PluginError, nearest
from ..proto import Schema, parse_text
from .base import Dialect
from .combine import combine, merge
from .table import Table

STOCK = "stock"
"""The name for no dialect at all."""
MOST_ROUNDS = 4
Dialects = Sequence[type[Dialect]]


@dataclass(frozen=True)
class Choice:
    """A schema, and the dialects that are in it."""

    schema: Schema
    dialects: tuple[type[Dialect], ...] = ()


def choose_for_text(
    dialects: Dialects, text: str | bytes, message: str, base: Schema, wanted: str | None = None
) -> Choice:
    """The schema for *text*, a *message* (``"NetParameter"``), on top of *base*.

    *wanted* names the dialects to use instead, with commas (``"stock"`` is none of them). A text that is no text
    format at all is answered with *base*: whoever parses it will say so. Errors: PluginError for an unknown name.
    """
    if wanted is not None:
        return choose_by_name(dialects, wanted, base)
    seen = _look(text, message, base)
    return _cover(dialects, text, message, Choice(base), seen) if seen.rank > (0, 0, 0) else Choice(base)


def choose_by_name(dialects: Dialects, wanted: str, base: Schema) -> Choice:
    """The schema with the dialects *wanted*, given by name and separated by commas. Errors: PluginError."""
    names = [name.strip() for name in wanted.split(",") if name.strip() not in ("", STOCK)]
    known = {d.type: d for d in dialects}
    for name in names:
        if name not in known:
            hint = nearest(name, known) or f"known: {', '.join(sorted(known))}"
            raise PluginError(f"there is no dialect '{name}'", hint=hint)
    chosen = tuple(known[name] for name in names)
    return Choice(combine(base, _tables(chosen)), chosen)


def known_elsewhere(dialects: Dialects, message: str, field: str) -> str | None:
    """Which dialects have *field* in *message*, as a hint for a text that lacks it in its own."""
    having = sorted((d for d in dialects if d.knows(message, field)), key=lambda d: d.size())
    if not having:
        return None
    names = ", ".join(f"'{d.type}' ({d.fork})" for d in having[:3])
    return f"it is a field of the dialect {names}"


def known_type(dialects: Dialects, layer_type: str, first: Sequence[str] = ()) -> str | None:
    """Whose layer *layer_type* is, in words, dialects called *first* before others; None where no table lists it."""
    having = [d for d in dialects if layer_type in d.layer_types()]
    if not having:
        return None
    owner = min(having, key=lambda d: (d.type not in first, d.size(), d.type))
    more = f", and of {len(having) - 1} more" if len(having) > 1 else ""
    return f"a known layer type of the dialect '{owner.type}' ({owner.fork}){more}, without an implementation here"


@dataclass(frozen=True)
class _Seen:
    """What one reading found: the count of places it refuses, the names it lacks, those of them that are passed over in
    open messages, and the layer types."""

    refused: int
    unknown: frozenset[tuple[str, str]]
    passed: frozenset[tuple[str, str]]
    types: frozenset[str]

    @property
    def rank(self) -> tuple[int, int, int]:
        return self.refused, len(self.unknown), len(self.passed)


def _look(text: str | bytes, message: str, schema: Schema) -> _Seen:
    try:
        document = parse_text(text, schema.message(message), "<text>", unknown="skip")
    except ParseError as error:
        return _Seen(max(1, len(error.problems)), frozenset(), frozenset(), frozenset())
    unknown = {
        (_enum_name(schema, u.message, u.field), u.value) if u.value else (u.message, u.field) for u in document.unknown
    }
    root: Any = document.message
    types = {layer.type for layer in root.layer} if message == "NetParameter" else set()
    passed = {name for name in unknown if name[0] in schema.open}
    return _Seen(0, frozenset(unknown - passed), frozenset(passed), frozenset(types))


def _enum_name(schema: Schema, message: str, field: str) -> str:
    enum: Any = schema.message(message).DESCRIPTOR.fields_by_name[field].enum_type
    return str(enum.full_name).partition(".")[2]


def _cover(dialects: Dialects, text: str | bytes, message: str, choice: Choice, seen: _Seen) -> Choice:
    """Add dialects as long as each leaves less unknown."""
    start, start_seen = choice, seen
    for _ in range(MOST_ROUNDS):
        best, best_seen = choice, seen
        for dialect in _candidates(dialects, seen, choice):
            try:
                schema = combine(choice.schema, dialect.tables)
            except PluginError:
                continue
            found = _look(text, message, schema)
            if found.rank < best_seen.rank:
                best, best_seen = Choice(schema, (*choice.dialects, dialect)), found
            if found.rank == (0, 0, 0):
                return best
        if best is choice:
            break
        choice, seen = best, best_seen
    return _merged(dialects, text, message, start, start_seen, (choice, seen))


def _candidates(dialects: Dialects, seen: _Seen, choice: Choice) -> list[type[Dialect]]:
    """The dialects that know something of what is lacking: those first that know most of it, then those that have most
    of the file's layer types, then common ones, then the smallest."""
    ranked = []
    for dialect in dialects:
        known = sum(dialect.knows(*name) for name in seen.unknown)
        if dialect not in choice.dialects and (known or seen.refused):
            types = len(seen.types.intersection(dialect.layer_types()))
            ranked.append((-known, -types, not dialect.common, dialect.size(), dialect.type, dialect))
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:-1])]


def _merged(
    dialects: Dialects, text: str | bytes, message: str, start: Choice, lacking: _Seen, found: tuple[Choice, _Seen]
) -> Choice:
    """All dialects that know what no exact combination covers, merged; *found* where that is no better."""
    choice, seen = found
    wanted = _candidates(dialects, seen, Choice(start.schema, choice.dialects))
    if lacking.refused or not wanted:
        return choice
    chosen = (*choice.dialects, *_needed(wanted, seen.unknown))
    try:
        schema = merge(start.schema, _tables(chosen))
    except PluginError:
        return choice
    return Choice(schema, chosen) if _look(text, message, schema).rank < seen.rank else choice


def _needed(dialects: Iterable[type[Dialect]], names: frozenset[tuple[str, str]]) -> list[type[Dialect]]:
    """The first dialects that together know *names*."""
    left, chosen = set(names), []
    for dialect in dialects:
        known = {name for name in left if dialect.knows(*name)}
        if known:
            chosen.append(dialect)
            left -= known
    return chosen


def _tables(dialects: Iterable[type[Dialect]]) -> list[Table]:
    return list(dict.fromkeys(table for dialect in dialects for table in dialect.tables))
