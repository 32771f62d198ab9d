"""Write the tables of docs/dialects.md, and docs/dialect-layers.md with the data sheets of the dialects' layers.

    python docs/generate_dialects.py

A test fails when the pages and the dialects disagree.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from cortado.dialects import Dialect, combine, merge
from cortado.dialects.fork_layer import ForkLayer
from cortado.layers import Layer
from cortado.plugins import PluginManager
from cortado.proto import Schema

DOCS = Path(__file__).parent
PAGE, SHEETS = DOCS / "dialects.md", DOCS / "dialect-layers.md"
BLANK = "\n\n"

HEAD = """# Layers of the dialects

The layer types of Caffe's forks that Cortado implements, with formula, shapes and parameters. This page is made from
the layers themselves by `python docs/generate_dialects.py`. Which fork has which of them is told in
[dialects.md](dialects.md); the layers of stock Caffe are in [layers.md](layers.md).
"""


def dialects(manager: PluginManager) -> list[type[Dialect]]:
    """The built-in dialects by name."""
    found = [entry.item for entry in manager.registry("dialects").all()]
    return sorted((d for d in found if d.__module__.startswith("cortado.")), key=lambda d: d.type)


def layer_classes(manager: PluginManager) -> list[type[Layer]]:
    """The layer classes of the dialects: those under a type of their own, and those that stand in for others."""
    entries = manager.registry("layers").all()
    found = {entry.item for entry in entries if entry.item.__module__.startswith("cortado.dialects.")}
    found |= {layer for dialect in dialects(manager) for layer in dialect.layers.values()}
    return sorted(found, key=lambda layer: (layer.type, layer.__name__))


def table(manager: PluginManager) -> str:
    """One row for each dialect: what its fork is, the types that work, and those that are only known."""
    rows = ["| name | fork | layer types that work | known without an implementation |", "|---|---|---|---|"]
    here = {entry.name for entry in manager.registry("layers").all()}
    for dialect in dialects(manager):
        types = sorted({*dialect.layer_types(), *dialect.layers})
        work = [n for n in types if n not in dialect.unlike and (n in here or n in dialect.layers)]
        known = [name for name in types if name not in work]
        rows.append(f"| `{dialect.type}` | {dialect.fork} | {', '.join(work)} | {', '.join(known)} |")
    return "\n".join(rows)


def instead(manager: PluginManager) -> str:
    """One row for each layer class that stands in for another under its type."""
    rows = ["| type | in files of | class |", "|---|---|---|"]
    found: dict[tuple[str, type[Layer]], list[str]] = {}
    for dialect in dialects(manager):
        for name, layer in dialect.layers.items():
            found.setdefault((name, layer), []).append(f"`{dialect.type}`")
    for (name, layer), names in sorted(found.items(), key=lambda entry: (entry[0][0], entry[1])):
        rows.append(f"| {name} | {', '.join(names)} | [{layer.__name__}](dialect-layers.md) |")
    return "\n".join(rows)


def page(text: str) -> str:
    """*text*, docs/dialects.md, with its two tables made anew; they are found by their first lines."""
    manager = PluginManager(external=False)
    for made in (table(manager), instead(manager)):
        head = made.partition("\n")[0]
        before, _, rest = text.partition(head)
        text = f"{before}{made}\n\n{rest.partition(BLANK)[2]}"
    return text


def sheets() -> str:
    """The page of data sheets."""
    manager, make = PluginManager(external=False), _layers_page()
    schema = merge(Schema.stock(), [t for dialect in dialects(manager) for t in dialect.tables])
    parts = []
    for layer in layer_classes(manager):
        if issubclass(layer, ForkLayer) and layer.tables:
            text = make.sheet(layer, combine(Schema.stock(), layer.tables))
        else:
            rows = [make.row(field) for field in _fork_fields(layer, schema)]
            text = "\n".join([make.sheet(layer, Schema.stock()).rstrip(), *rows]) + "\n"
        parts.append(text.replace(f"## {layer.type}\n", f"## {_title(layer)}\n", 1))
    return "\n".join([HEAD, *parts])


def _fork_fields(layer: type[Layer], schema: Schema) -> list[Any]:
    """The fields that forks add to the block of a stock layer and that *layer* heeds: its docstring names them."""
    if layer.param_field is None:
        return []
    stock, all_there = (
        one.message("LayerParameter").DESCRIPTOR.fields_by_name[layer.param_field].message_type
        for one in (Schema.stock(), schema)
    )
    known, told = {field.name for field in stock.fields}, layer.__doc__ or ""
    return [field for field in all_there.fields if field.name not in known and f"``{field.name}``" in told]


def _title(layer: type[Layer]) -> str:
    return layer.type if layer.__name__ == layer.type else f"{layer.type} ({layer.__name__})"


def _layers_page() -> Any:
    sys.path.insert(0, str(DOCS))
    try:
        import generate_layers  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(DOCS))
    return generate_layers


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SHEETS.write_text(sheets(), encoding="utf-8")
