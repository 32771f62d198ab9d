"""Write docs/layers.md: the data sheets of all built-in layers on one page.

    python docs/generate_layers.py

The text is that of the layers' docstrings, the tables come from the schema and from what the classes declare. A test
fails when the page and the layers disagree.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from cortado.layers import Layer
from cortado.plugins import PluginManager
from cortado.proto import Schema

PAGE = Path(__file__).with_name("layers.md")

HEAD = """# Layers

Every layer type that Cortado brings, with its formula, shapes and parameters. This page is made from the layers
themselves by `python docs/generate_layers.py`; each one's file is named beneath its heading. Layers of plugins
document themselves in the same way: `cortado layers TYPE` shows the sheet of any that is installed.
"""

SCALARS = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}


def built_in_layers(manager: PluginManager) -> list[type[Layer]]:
    """The layer classes that live in Cortado's own folder of layers, by type."""
    entries = manager.registry("layers").all()
    return [entry.item for entry in entries if entry.item.__module__.startswith("cortado.layers.")]


def page() -> str:
    """The whole page as Markdown."""
    manager = PluginManager(external=False)
    schema, layers = manager.schema(), built_in_layers(manager)
    index = ", ".join(f"[{layer.type}](#{layer.type.lower()})" for layer in layers)
    sheets = [sheet(layer, schema) for layer in layers]
    return "\n".join([HEAD, index + "\n", *sheets])


def sheet(layer: type[Layer], schema: Schema) -> str:
    """One layer: its heading, what it declares, its docstring, and its fields."""
    module = layer.__module__.removeprefix("cortado.").replace(".", "/")
    parts = [f"## {layer.type}", f"`{module}.py` · {declarations(layer)}", markdown(inspect.getdoc(layer) or "")]
    field = layer.parameters.field if layer.parameters is not None else layer.param_field
    if field:
        parts.append(field_table(field, schema))
    return "\n\n".join(parts) + "\n"


def declarations(layer: type[Layer]) -> str:
    """What the class declares, in words."""
    tops = "as many tops" if layer.paired else f"tops: {layer.tops}"
    facts = [f"bottoms: {layer.bottoms}", tops]
    facts += ["in place allowed"] * layer.in_place
    facts += ["a loss"] * layer.is_loss
    facts += ["draws random numbers"] * layer.stochastic
    facts += ["keeps state from forward to forward"] * layer.stateful
    if layer.no_gradient_to:
        names = ", ".join("the last bottom" if i == -1 else f"bottom {i}" for i in layer.no_gradient_to)
        facts.append(f"no gradient to {names}")
    return " · ".join(facts)


def markdown(text: str) -> str:
    """A docstring as Markdown: code in single backquotes, indented examples fenced."""
    blocks = [_block(block) for block in re.split(r"\n\s*\n", text)]
    return re.sub(r"\n```\n\n```\w*\n", "\n\n", "\n\n".join(blocks))


def _block(block: str) -> str:
    if block.startswith("    "):
        lines = [line.removeprefix("    ") for line in block.splitlines()]
        language = "prototxt" if block.lstrip().startswith(("layer {", "layers {")) else "python"
        return "\n".join([f"```{language}", *lines, "```"])
    text = block.replace("``", "`").replace("::", ":") if block.endswith("::") else block.replace("``", "`")
    return re.sub(r"\n(Forward|Backward|Parameters|Errors|Learned|[A-Z]{2,}:)", r"  \n\1", text)


def field_table(name: str, schema: Schema) -> str:
    """The fields of a layer's parameter message: name, type, default, as the schema has them."""
    message = schema.message("LayerParameter").DESCRIPTOR.fields_by_name[name].message_type
    rows = [row(field) for field in _fields(message)]
    return "\n".join([f"| `{name}` | type | default |", "|---|---|---|", *rows])


def row(field: FieldDescriptor) -> str:
    """One field of a table."""
    return f"| `{field.name}` | {_kind(field)} | {_default(field)} |"


def _fields(message: Any) -> Iterator[FieldDescriptor]:
    return iter(sorted(message.fields, key=lambda field: field.number))


def _kind(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        kind = field.message_type.name
    elif field.enum_type is not None:
        kind = ", ".join(value.name for value in field.enum_type.values)
    else:
        kind = SCALARS[field.type]
    return f"{kind}, repeated" if field.is_repeated else kind


def _default(field: FieldDescriptor) -> str:
    if field.is_required:
        return "required"
    if field.is_repeated or field.message_type is not None or not field.has_default_value:
        return ""
    if field.enum_type is not None:
        return f"`{field.enum_type.values_by_number[field.default_value].name}`"
    if isinstance(field.default_value, bool):
        return f"`{str(field.default_value).lower()}`"
    if isinstance(field.default_value, str):
        return f'`"{field.default_value}"`'
    return f"`{field.default_value:.6g}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
