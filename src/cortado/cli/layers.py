"""``cortado layers``."""

from __future__ import annotations

import inspect

import click


@click.command(epilog="Example: cortado layers Sigmoid")
@click.argument("type_name", metavar="[TYPE]", required=False)
def command(type_name: str | None) -> None:
    """List the layer types there are, or print the data sheet of one TYPE: formula, shapes, parameters, example."""
    from ..plugins import plugin_manager

    registry = plugin_manager().registry("layers")
    if type_name is not None:
        entry = plugin_manager().get("layers", type_name)
        click.echo(_sheet(entry.item, str(entry.provider)))
        return
    width = max(map(len, registry.names()))
    for entry in registry.all():
        summary = (inspect.getdoc(entry.item) or "").partition("\n")[0]
        origin = "" if entry.provider.builtin else f"  [{entry.provider}]"
        click.echo(f"{entry.name:{width}}  {summary}{origin}")


def _sheet(layer: type, provider: str) -> str:
    """The docstring of a layer class under a line of its declarations."""
    from ..layers import Layer

    if not issubclass(layer, Layer):
        return inspect.getdoc(layer) or ""
    marks = [name for name in ("in_place", "is_loss", "stochastic", "stateful") if getattr(layer, name)]
    head = f"{layer.type}: {layer.bottoms} bottom(s), {layer.tops} top(s)"
    marks_text = f"; {', '.join(m.replace('_', ' ') for m in marks)}" if marks else ""
    lines = [f"{head}{marks_text}. From {provider}.", "", inspect.getdoc(layer) or "(no data sheet)"]
    if layer.parameters is not None:
        lines += ["", f"{layer.parameters.field}:"]
        lines += [
            f"  {name} ({field.kind}, {field.default!r})  {field.doc}"
            for name, field in layer.parameters.fields.items()
        ]
    return "\n".join(lines)
