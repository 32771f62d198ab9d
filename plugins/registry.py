"""The registry: who provides which layer, filler, optimizer … under which name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import CortadoError, PluginError, Position, nearest

MOST_NAMES = 12
"""Known names that a message lists."""


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
    """What can be registered: the *hook* that collects it, the *package* its built-in members live in, how to speak
    of one (``layer type``), the error for an *unknown* name, the *base* class of its members (or, where they are no
    classes, what they are and the attribute that they *need*), and the attribute that a member is *named_by*."""

    name: str
    hook: str
    package: str
    noun: str
    unknown: type[CortadoError] = PluginError
    base: str = ""
    needs: str = ""
    named_by: str = "type"

    def takes(self, item: Any) -> bool:
        """Whether *item* is of this kind."""
        if self.needs:
            return hasattr(item, self.needs)
        return isinstance(item, type) and getattr(item, "plugin_kind", None) == self.name


@dataclass
class Registry:
    """All entries of one kind. A name that two providers claim is kept with both, and refused only when it is used."""

    kind: Kind
    entries: dict[str, list[Entry]] = field(default_factory=dict)

    def add(self, contribution: Any, provider: Provider) -> None:
        """Add what a hook returned; a contribution that breaks the hook's contract is a PluginError of that provider,
        and adds nothing."""
        found: dict[str, Any] = {}
        for name, item in _named(contribution, self.kind, provider):
            if found.get(name, item) is not item:
                raise _breach(
                    self.kind, provider, "must give each name once", f"'{name}' for {found[name]!r} and {item!r}"
                )
            found[name] = item
        for name, item in found.items():
            known = self.entries.setdefault(name, [])
            if not any(entry.item is item for entry in known):
                known.append(Entry(name, item, provider))

    def remove(self, provider: Provider) -> None:
        """Take out everything that *provider* added."""
        for name in list(self.entries):
            self.entries[name] = [e for e in self.entries[name] if e.provider != provider]
            if not self.entries[name]:
                del self.entries[name]

    def names(self) -> list[str]:
        return sorted(self.entries)

    def all(self) -> list[Entry]:
        return [entry for name in self.names() for entry in self.entries[name]]

    def clashes(self) -> dict[str, list[Entry]]:
        """The names that several providers claim."""
        return {name: entries for name, entries in self.entries.items() if len(entries) > 1}

    def get(
        self,
        name: str,
        *,
        where: Position | str | None = None,
        who: str | None = None,
        advice: Callable[[], str | None] = lambda: None,
    ) -> Entry:
        """The entry called *name*, or ``distribution/name`` where several packages have it.

        Errors: the kind's own error for an unknown name, with the nearest one and what *advice* has to say;
        PluginError for a clash, naming every package.
        """
        package, _, short = name.rpartition("/")
        found = self.entries.get(short if package else name, [])
        if package:
            found = [e for e in found if package in (e.provider.distribution, e.provider.plugin)]
        if len(found) == 1:
            return found[0]
        if found:
            raise self._clash(name, found, where, who)
        hints = [hint for hint in (nearest(short, self.entries), advice()) if hint]
        if not hints:
            names = self.names()
            hints = [f"known: {', '.join(names[:MOST_NAMES])}{', …' if len(names) > MOST_NAMES else ''}"]
        raise self.kind.unknown(f"unknown {self.kind.noun} '{name}'", where=where, who=who, hint="; ".join(hints))

    def _clash(self, name: str, found: list[Entry], where: Position | str | None, who: str | None) -> PluginError:
        packages = [e.provider for e in found]
        last = next((p for p in reversed(packages) if not p.builtin), packages[-1])
        names = {p.distribution for p in packages}
        choice = last.distribution if len(names) == len(packages) else last.plugin
        return PluginError(
            f"{self.kind.noun} '{name}' is provided by {' and '.join(str(p) for p in packages)}",
            where=where,
            who=who,
            hint=f"write '{choice}/{name.rpartition('/')[2]}', or disable one of them",
        )


def _breach(kind: Kind, provider: Provider, rule: str, got: str) -> PluginError:
    return PluginError(f"{kind.hook}() {rule}", who=f"plugin '{provider.plugin}' ({provider})", got=got)


def _named(contribution: Any, kind: Kind, provider: Provider) -> list[tuple[str, Any]]:
    """(name, item) of everything in what a hook returned."""
    if isinstance(contribution, Mapping):
        pairs = list(contribution.items())
    elif isinstance(contribution, Iterable) and not isinstance(contribution, (str, bytes, type)):
        pairs = [(getattr(item, kind.named_by, None), item) for item in contribution]
    else:
        raise _breach(kind, provider, "must return a list of classes or a mapping from names", repr(contribution))
    for name, item in pairs:
        if kind.base and not kind.takes(item):
            what = kind.base if kind.needs else f"subclasses of {kind.base}"
            raise _breach(kind, provider, f"must return {what}", repr(item))
        if not isinstance(name, str) or not name or "/" in name:
            rule = f"must return classes that name themselves in a class attribute '{kind.named_by}'"
            raise _breach(kind, provider, rule, f"{name!r} for {item!r}")
    return pairs
