"""What there is to tell about plugins, as plain data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..plugins import Entry, ParametersClass, PluginManager, Provider

Facts = dict[str, Any]


def plugin_rows(manager: PluginManager, everything: bool) -> list[Facts]:
    """One row per plugin: who it is, its status (``loaded``, ``broken`` or ``off``), and what it registers by kind.
    The built-in ones only with *everything*."""
    registers = _registered(manager)
    rows = []
    for provider in manager.providers.values():
        if not provider.builtin or (everything and provider.plugin in registers):
            rows.append(_row(provider, "loaded", registers.get(provider.plugin, {})))
    for broken in manager.broken.values():
        if not broken.provider.builtin or everything:
            found = registers.get(broken.provider.plugin, {})
            rows = [row for row in rows if row["plugin"] != broken.provider.plugin]
            rows.append(_row(broken.provider, "broken", found, str(broken)))
    return rows + [_row(provider, "off", {}) for provider in manager.off.values()]


def _registered(manager: PluginManager) -> dict[str, dict[str, list[str]]]:
    from ..plugins import KINDS

    found: dict[str, dict[str, list[str]]] = {}
    for kind in KINDS:
        for entry in manager.registry(kind).all():
            found.setdefault(entry.provider.plugin, {}).setdefault(kind, []).append(entry.name)
    return found


def _row(provider: Provider, status: str, registers: dict[str, list[str]], error: str = "") -> Facts:
    parts = {name: getattr(provider, name) for name in ("plugin", "distribution", "version", "builtin")}
    return {**parts, "status": status, "registers": registers, "error": error}


def things(manager: PluginManager, name: str) -> list[Facts]:
    """Everything that is called *name* (``Type`` or ``distribution/Type``), of any kind."""
    from ..plugins import KINDS

    package, _, short = name.rpartition("/")
    return [
        _thing(kind, entry)
        for kind in KINDS
        for entry in manager.registry(kind).entries.get(short, [])
        if not package or package in (entry.provider.distribution, entry.provider.plugin)
    ]


def _thing(kind: str, entry: Entry) -> Facts:
    from ..plugins import KINDS

    item = entry.item
    provider = entry.provider
    declared = item if kind == "parameters" else getattr(item, "parameters", None)
    return {
        "kind": kind,
        "noun": KINDS[kind].noun,
        "name": entry.name,
        "plugin": provider.plugin,
        "distribution": provider.distribution,
        "version": provider.version,
        "builtin": provider.builtin,
        "class": f"{getattr(item, '__module__', '')}.{getattr(item, '__qualname__', type(item).__qualname__)}",
        "summary": summary(item),
        "parameters": None if declared is None else parameter_facts(declared),
    }


def summary(item: Any) -> str:
    """The first line of the docstring."""
    return (inspect.getdoc(item) or "").partition("\n")[0]


def parameter_facts(declared: ParametersClass) -> Facts:
    """A declaration: the field, its owner and number, and its own fields with their rules."""
    fields = [
        {
            "name": name,
            "number": field.number,
            "kind": field.kind,
            "default": None if field.repeated or field.required else field.unset(),
            "rule": ", ".join(_rules(field)),
            "doc": field.doc,
        }
        for name, field in declared.fields.items()
    ]
    return {"field": declared.field, "owner": declared.owner, "number": declared.number, "fields": fields}


def _rules(field: Any) -> Iterator[str]:
    if field.range:
        yield field.range
    if field.choices:
        yield f"one of {', '.join(field.choices)}"
    if field.repeated:
        yield "repeated"
    if field.required:
        yield "required"


def parameter_table(facts: Facts) -> list[str]:
    """The lines that show ``parameter_facts``."""
    lines = [f"{facts['field']} (field {facts['number']} of {facts['owner']}):"]
    for row in facts["fields"]:
        default = "" if row["default"] is None else f" = {row['default']!r}"
        rule = f", {row['rule']}" if row["rule"] else ""
        lines.append(f"  {row['name']}: {row['kind']}{default}{rule}{'  ' if row['doc'] else ''}{row['doc']}")
    return lines


def diagnosis(manager: PluginManager, commands: set[str]) -> tuple[list[str], list[str]]:
    """(problems, notes): what is broken or clashes, and what is worth knowing. *commands* are the program's own."""
    from ..plugins import KINDS

    problems: list[str] = []
    for kind, spec in KINDS.items():
        for name, entries in manager.registry(kind).clashes().items():
            owners = " and ".join(str(entry.provider) for entry in entries)
            problems.append(f"{spec.noun} '{name}' is provided by {owners}")
    manager.schema()
    problems += list(dict.fromkeys(str(error) for error in manager.refused.values()))
    for entry in manager.registry("commands").all():
        if entry.name in commands:
            problems.append(f"command '{entry.name}' of {entry.provider} is hidden by Cortado's own")
    notes = [str(broken) for broken in manager.broken.values() if broken.provider.builtin]
    problems += [str(broken) for broken in manager.broken.values() if not broken.provider.builtin]
    notes += [f"plugin '{provider.plugin}' ({provider}) is switched off" for provider in manager.off.values()]
    for entry in manager.registry("layers").all():
        if not entry.provider.builtin and not summary(entry.item):
            notes.append(f"layer type '{entry.name}' of {entry.provider} has no data sheet")
    return problems, notes
