"""The schema of a net that is written in Python: with the fields of the forks whose layers it uses.

As for a file, the fields say which fork is meant. So what Python says is put down as a text, only to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..plugins import plugin_manager
from ..plugins.dialects import dialect_schema, text_schema
from ..proto import Schema

Described = tuple[str, dict[str, Any]]
"""A layer type, and the keywords it was given."""


def schema_for(described: Iterable[Described]) -> Schema:
    """The schema that a reader would choose for these layers."""
    plugins = plugin_manager()
    return text_schema("\n".join(_layer(kind, params) for kind, params in described), "NetParameter", plugins)


def own_field(kind: str, schema: Schema) -> str | None:
    """The field with the parameters of a layer type: by its message's name, else as the layer's class or a fork says;
    None for one that *schema* lacks."""
    fields = schema.message("LayerParameter").DESCRIPTOR.fields_by_name
    named = param_names(schema).get(kind)
    if named is not None:
        return f"{named}_param"
    return next((name for name in _candidates(kind) if name in fields), None)


def param_names(schema: Schema) -> dict[str, str]:
    """The field of LayerParameter, without ``_param``, by layer type, as message names tell them."""
    fields = schema.message("LayerParameter").DESCRIPTOR.fields
    named = {f.name: f.message_type.name for f in fields if f.name.endswith("_param") and f.message_type is not None}
    return {message.removesuffix("Parameter"): field.removesuffix("_param") for field, message in named.items()}


def message_with_constants(name: str) -> Any:
    """The class of the message *name*, of the schema or of the fork that has it. Errors: KeyError."""
    schema = plugin_manager().schema()
    if name in schema.DESCRIPTOR.message_types_by_name:
        return schema.message(name)
    for dialect in _dialects():
        if any(scope == name for scope, _ in (pair for table in dialect.tables for pair in table.names)):
            return dialect_schema(dialect).message(name)
    return schema.message(name)


def fork_fields(kind: str) -> list[str]:
    """The names of the parameters of a fork's layer type."""
    for dialect in _dialects():
        for field in dialect.layer_types().get(kind, ()):
            layer: Any = dialect_schema(dialect).message("LayerParameter").DESCRIPTOR
            return list(layer.fields_by_name[field].message_type.fields_by_name)
    return []


def _candidates(kind: str) -> Iterator[str]:
    registry = plugin_manager().registry("layers")
    if kind in registry.names():
        item = plugin_manager().get("layers", kind).item
        field = item.parameters.field if getattr(item, "parameters", None) is not None else item.param_field
        if field:
            yield field
    for dialect in _dialects():
        yield from dialect.layer_types().get(kind, ())


def _dialects() -> list[Any]:
    """All of them, common and small ones first."""
    items = [entry.item for entry in plugin_manager().registry("dialects").all()]
    return sorted(items, key=lambda dialect: (not dialect.common, dialect.size(), dialect.type))


def _layer(kind: str, params: dict[str, Any]) -> str:
    base = plugin_manager().schema()
    layer: Any = base.message("LayerParameter").DESCRIPTOR.fields_by_name
    field = own_field(kind, base) or next(_candidates(kind), "")
    own: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in params.items():
        known = field in layer and key in layer[field].message_type.fields_by_name
        outside = key.endswith("param") or not field or (key in layer and not known)
        (rest if outside else own)[key] = value
    inside = f"{field} {{ {_fields(own)} }}" if own else ""
    return f"layer {{ type: {_quoted(kind)} {inside} {_fields(rest)} }}"


def _fields(params: dict[str, Any]) -> str:
    return " ".join(_field(key, value) for key, value in params.items())


def _field(key: str, value: Any) -> str:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        return f"{key} {{ {_fields(value)} }}"
    if isinstance(value, (list, tuple)):
        return " ".join(_field(key, one) for one in value)
    if isinstance(value, str):
        return f"{key}: {_quoted(value)}"
    return f"{key}: {str(value).lower() if isinstance(value, bool) else value}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
