"""``cortado plugins``."""

from __future__ import annotations

import json
import pkgutil
import sys

import click

from ._group import Group

as_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group(cls=Group, epilog="Example: cortado plugins list")
def command() -> None:
    """See which plugins are loaded, what they bring, and what is wrong with those that are not."""


@command.command("list", epilog="Example: cortado plugins list --json")
@as_json
@click.option("--all", "everything", is_flag=True, help="The built-in ones too.")
def list_command(as_json: bool, everything: bool) -> None:
    """List the plugins with their versions and what they register; those that are broken or switched off, too."""
    from ..plugins import plugin_manager
    from ._plugin_facts import plugin_rows

    rows = plugin_rows(plugin_manager(), everything)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        names = ", ".join(f"{kind}: {' '.join(items)}" for kind, items in row["registers"].items())
        owner = f"{row['distribution']} {row['version']}".strip()
        told = {"loaded": names, "broken": row["error"], "off": "switched off"}[row["status"]]
        click.echo(f"{row['plugin']}  ({owner})  {told}")
    if not rows:
        click.echo("no third-party plugins; --all lists the built-in ones")


@command.command("info", epilog="Example: cortado plugins info Sigmoid")
@click.argument("name")
@as_json
def info_command(name: str, as_json: bool) -> None:
    """Say where NAME comes from: a layer type, filler, solver type, policy …, or a plugin.

    With the fields that it adds to the schema, their numbers, defaults and rules.
    """
    from ..errors import PluginError, nearest
    from ..plugins import KINDS, plugin_manager
    from ._plugin_facts import parameter_table, plugin_rows, things

    manager = plugin_manager()
    found = things(manager, name)
    plugins = [row for row in plugin_rows(manager, True) if name in (row["plugin"], row["distribution"])]
    if not found and not plugins:
        known = {entry for kind in KINDS for entry in manager.registry(kind).names()} | set(manager.providers)
        raise PluginError(f"there is no plugin '{name}', nor does one provide it", hint=nearest(name, known))
    if as_json:
        click.echo(json.dumps({"plugins": plugins, "provides": found}, indent=1))
        return
    for row in found:
        owner = f"{row['distribution']} {row['version']}".strip()
        click.echo(
            f"{row['noun']} '{row['name']}' of {owner}, plugin {row['plugin']}\n  {row['class']}: {row['summary']}"
        )
        for line in parameter_table(row["parameters"]) if row["parameters"] else ():
            click.echo(f"  {line}")
    for row in plugins:
        names = "; ".join(f"{kind}: {', '.join(items)}" for kind, items in row["registers"].items())
        owner = f"{row['distribution']} {row['version']}".strip()
        click.echo(
            f"plugin {row['plugin']} of {owner}, {row['status']}\n  {row['error'] or names or 'registers nothing'}"
        )


@command.command("doctor", epilog="Example: cortado plugins doctor")
@as_json
def doctor_command(as_json: bool) -> None:
    """Load everything and report what is broken or clashes. Exit status 1 when something is."""
    from ..plugins import plugin_manager
    from . import __path__ as folder
    from ._plugin_facts import diagnosis

    own = {info.name.replace("_", "-") for info in pkgutil.iter_modules(folder) if not info.name.startswith("_")}
    manager = plugin_manager()
    problems, notes = diagnosis(manager, own)
    if as_json:
        click.echo(json.dumps({"problems": problems, "notes": notes}, indent=1))
    else:
        for label, lines in (("problem", problems), ("note", notes)):
            for line in lines:
                click.echo(f"{label}: {line}")
        counts = f"{len(manager.plugins())} third-party plugins, {len(problems)} problem"
        click.echo(counts + ("" if len(problems) == 1 else "s"))
    sys.exit(1 if problems else 0)
