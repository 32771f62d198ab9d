"""A net, or one layer of it, while it is being upgraded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...errors import NetError
from ..document import Positions


@dataclass
class Draft:
    """The message that is changed in place, its positions, and the notes for the user.

    ``strict`` is False for weights: what has no place in the new format is then left out rather than refused.
    """

    net: Any
    positions: Positions
    strict: bool = True
    notes: list[str] = field(default_factory=list)

    def refuse(self, rule: str, *path: str | int, got: str | None = None, hint: str | None = None) -> None:
        """Raise NetError at *path*, when strict."""
        if self.strict:
            raise NetError(rule, where=self.positions.at(*path), got=got, hint=hint)


class LayerDraft:
    """A new layer that takes over the fields of an old one, each with its position."""

    def __init__(self, message: Any, positions: Positions) -> None:
        self.message, self.positions = message, positions

    def take(self, old: Any, field: str, old_at: Positions, target: str = "") -> None:
        """Copy *field* of *old* to ``target`` (``"name"`` or ``"some_param.name"``; the same name by default)."""
        scope, _, name = (target or field).rpartition(".")
        message, at = (self.sub(scope, old_at.child(field).offset)) if scope else (self.message, self.positions)
        copy_value(getattr(old, field), message, name)
        if entries := old_at.fields.get(field):
            at.fields[name] = list(entries)

    def sub(self, name: str, offset: int) -> tuple[Any, Positions]:
        """The message field *name* with its positions; where it is new, it stands at *offset*."""
        message = getattr(self.message, name)
        message.SetInParent()
        entries = self.positions.fields.setdefault(name, [])
        if not entries:
            entries.append(Positions(self.positions.source, offset))
        first = entries[0]
        at = first if isinstance(first, Positions) else Positions(self.positions.source, first)
        return message, at


def copy_value(value: Any, message: Any, name: str) -> None:
    """Set field *name* of *message*, whether it is a message, repeated, or plain; a plain value joins a list."""
    target = getattr(message, name)
    if hasattr(value, "DESCRIPTOR"):
        target.CopyFrom(value)
    elif hasattr(target, "MergeFrom"):
        target.MergeFrom(value) if hasattr(value, "MergeFrom") else target.append(value)
    else:
        setattr(message, name, value)


def set_fields(message: Any) -> list[str]:
    """The names of the fields that are set in *message*."""
    return [field.name for field, _ in message.ListFields()]


def quoted(names: Iterable[str]) -> str:
    """``'a', 'b'``"""
    return ", ".join(f"'{name}'" for name in names)
