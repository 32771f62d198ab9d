"""``cortado layers``."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..plugins import Entry


@click.command(epilog="Example: cortado layers Sigmoid")
@click.argument("type_name", metavar="[TYPE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(type_name: str | None, as_json: bool) -> None:
    """List the layer types there are, or print the data sheet of one TYPE: formula, shapes, parameters, example."""
    from ..plugins import plugin_manager
    from ._plugin_facts import summary, things

    manager = plugin_manager()
    registry = manager.registry("layers")
    if type_name is not None:
        entry = manager.get("layers", type_name)
        facts = [row for row in things(manager, type_name) if row["kind"] == "layers"]
        click.echo(json.dumps({**facts[0], "sheet": _sheet(entry)}, indent=1) if as_json else _sheet(entry))
        return
    entries = registry.all()
    if as_json:
        rows = [{"name": e.name, "summary": summary(e.item), "from": str(e.provider)} for e in entries]
        click.echo(json.dumps(rows, indent=1))
        return
    width = max(map(len, registry.names()))
    for entry in entries:
        origin = "" if entry.provider.builtin else f"  [{entry.provider}]"
        click.echo(f"{entry.name:{width}}  {summary(entry.item)}{origin}")


def _sheet(entry: Entry) -> str:
    """The docstring of a layer class under a line of its declarations, and above a table of its own parameters."""
    from ._plugin_facts import parameter_facts, parameter_table

    layer = entry.item
    marks = [
        name.replace("_", " ") for name in ("in_place", "is_loss", "stochastic", "stateful") if getattr(layer, name)
    ]
    head = "; ".join([f"{entry.name}: {layer.bottoms} bottom(s), {layer.tops} top(s)", *marks])
    lines = [f"{head}. From {entry.provider}.", "", inspect.getdoc(layer) or "(no data sheet)"]
    if layer.parameters is not None:
        lines += ["", *parameter_table(parameter_facts(layer.parameters))]
    return "\n".join(lines)
