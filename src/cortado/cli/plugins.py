"""``cortado plugins``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click


@click.group(epilog="Example: cortado plugins list")
def command() -> None:
    """See which plugins are loaded, what they bring, and what is wrong with those that are not."""


@command.command("list", epilog="Example: cortado plugins list --json")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--all", "everything", is_flag=True, help="The built-in ones too.")
def list_command(as_json: bool, everything: bool) -> None:
    """List the plugins with their versions and what they register."""
    rows = _rows(everything)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        names = ", ".join(f"{kind}: {' '.join(items)}" for kind, items in row["registers"].items())
        click.echo(f"{row['plugin']}  ({row['distribution']} {row['version']})  {row['error'] or names}")
    if not rows:
        click.echo("no third-party plugins; --all lists the built-in ones")


@command.command("info", epilog="Example: cortado plugins info Sigmoid")
@click.argument("name")
def info_command(name: str) -> None:
    """Say which plugin provides NAME: a layer type, filler, solver type, policy …."""
    from ..errors import PluginError, nearest
    from ..plugins import KINDS, plugin_manager

    manager = plugin_manager()
    known: set[str] = set()
    found = False
    for kind, spec in KINDS.items():
        for entry in manager.registry(kind).all():
            known.add(entry.name)
            if entry.name == name:
                found = True
                click.echo(f"{spec.noun} '{name}': {entry.provider}, plugin {entry.provider.plugin}, {entry.item!r}")
    if not found:
        raise PluginError(f"no plugin provides '{name}'", hint=nearest(name, known))


@command.command("doctor", epilog="Example: cortado plugins doctor")
def doctor_command() -> None:
    """Load everything and report what is broken or clashes. Exit status 1 when something is."""
    from ..errors import CortadoError
    from ..plugins import KINDS, plugin_manager

    manager = plugin_manager()
    problems = []
    for kind, spec in KINDS.items():
        for name, entries in manager.registry(kind).entries.items():
            if len(entries) > 1:
                problems.append(f"{spec.noun} '{name}' is provided by {', '.join(str(e.provider) for e in entries)}")
    try:
        manager.schema()
    except CortadoError as error:
        problems.append(str(error))
    problems += [str(broken) for broken in manager.broken.values()]
    for problem in problems:
        click.echo(problem)
    click.echo(f"{len(manager.plugins())} third-party plugins, {len(problems)} problems")
    sys.exit(1 if problems else 0)


def _rows(everything: bool) -> list[dict[str, Any]]:
    from ..plugins import KINDS, plugin_manager

    manager = plugin_manager()
    registers: dict[str, dict[str, list[str]]] = {}
    for kind in KINDS:
        for entry in manager.registry(kind).all():
            registers.setdefault(entry.provider.plugin, {}).setdefault(kind, []).append(entry.name)
    rows: list[dict[str, Any]] = []
    for provider in manager.providers.values():
        if not provider.builtin or (everything and provider.plugin in registers):
            rows.append(_row(provider, registers.get(provider.plugin, {}), ""))
    rows += [_row(broken.provider, {}, str(broken)) for broken in manager.broken.values()]
    return rows


def _row(provider: object, registers: dict[str, list[str]], error: str) -> dict[str, Any]:
    parts = {name: getattr(provider, name) for name in ("plugin", "distribution", "version", "builtin")}
    return {**parts, "registers": registers, "error": error}
