"""The registry: who provides which layer, filler, optimizer … under which name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import CortadoError, PluginError, Position, nearest


@dataclass(frozen=True)
class Provider:
    """The plugin something comes from: its name, the distribution that ships it, and that one's version."""

    plugin: str
    distribution: str = "cortado"
    version: str = ""
    builtin: bool = False

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True)
class Entry:
    """One registered thing: its name, the class or object, and its provider."""

    name: str
    item: Any
    provider: Provider


@dataclass(frozen=True)
class Kind:
    """What can be registered: the hook that collects it, the folder its built-in members live in, and how to speak
    of one (``layer type``)."""

    name: str
    hook: str
    package: str
    noun: str
    unknown: type[CortadoError] = PluginError


@dataclass
class Registry:
    """All entries of one kind. A name that two providers claim is kept with both, and refused only when it is used."""

    kind: Kind
    entries: dict[str, list[Entry]] = field(default_factory=dict)

    def add(self, contribution: Any, provider: Provider) -> None:
        """Add what a hook returned; a contribution without names is a PluginError of that provider."""
        for name, item in _named(contribution, self.kind, provider):
            self.entries.setdefault(name, []).append(Entry(name, item, provider))

    def remove(self, provider: Provider) -> None:
        for name in list(self.entries):
            self.entries[name] = [e for e in self.entries[name] if e.provider != provider]
            if not self.entries[name]:
                del self.entries[name]

    def names(self) -> list[str]:
        return sorted(self.entries)

    def all(self) -> list[Entry]:
        return [entry for name in self.names() for entry in self.entries[name]]

    def get(
        self,
        name: str,
        *,
        where: Position | str | None = None,
        who: str | None = None,
        advice: Callable[[], str | None] = lambda: None,
    ) -> Entry:
        """The entry called *name*, or ``distribution/name`` where several packages have it.

        Errors: the kind's own error for an unknown name, with the nearest one (or *advice*, where there is better
        to say); PluginError for a clash, naming every package.
        """
        package, _, short = name.rpartition("/")
        found = self.entries.get(short if package else name, [])
        if package:
            found = [e for e in found if e.provider.distribution == package]
        if len(found) == 1:
            return found[0]
        if found:
            packages = [e.provider for e in found]
            raise PluginError(
                f"{self.kind.noun} '{name}' is provided by {' and '.join(str(p) for p in packages)}",
                where=where,
                who=who,
                hint=f"write '{packages[-1].distribution}/{name}', or disable one of them",
            )
        hint = nearest(short, self.entries) or advice() or f"known: {', '.join(self.names())}"
        raise self.kind.unknown(f"unknown {self.kind.noun} '{name}'", where=where, who=who, hint=hint)


def _named(contribution: Any, kind: Kind, provider: Provider) -> list[tuple[str, Any]]:
    if isinstance(contribution, Mapping):
        return list(contribution.items())
    pairs = []
    for item in contribution:
        name = getattr(item, "type", None)
        if not isinstance(name, str) or not name:
            raise PluginError(
                f"{kind.hook}() must return classes that name themselves in a class attribute 'type'",
                who=f"plugin {provider.plugin} ({provider})",
                got=repr(item),
            )
        pairs.append((name, item))
    return pairs
