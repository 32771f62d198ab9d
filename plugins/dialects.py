"""Reading files of any fork: the way from a path to a message, with the dialects that the file needs.

``plugins`` below is the plugin manager. Which dialects a file needs is told by the package that holds them; here it is
only asked, and what it says is handed to the reader. ``plugins.dialect`` names dialects to use for every file instead
of looking, separated by commas; ``"stock"`` is none.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UnknownLayerError
from ..proto import Document, Schema, parse_net, parse_solver, read_prototxt, read_weights_message
from .kinds import KINDS
from .manager import ROOT

if TYPE_CHECKING:
    from ..proto.report import KnownElsewhere
    from .manager import PluginManager


def read_net(path: str | Path, plugins: PluginManager) -> Document[Any]:
    """Read a net definition of any age and fork, upgraded. Errors: FileError, ParseError, NetError."""
    return parse_net_text(read_prototxt(path), str(path), plugins)


def parse_net_text(text: str | bytes, file: str, plugins: PluginManager) -> Document[Any]:
    """Parse a net definition of any age and fork, and upgrade it. Errors: ParseError, NetError."""
    choice = _choose(text, "NetParameter", plugins)
    document = parse_net(text, file, choice.schema, known_elsewhere=unknown_field_hint(plugins))
    return _noted(document, choice, plugins)


def read_solver(path: str | Path, plugins: PluginManager) -> Document[Any]:
    """Read a solver definition of any age and fork, upgraded. Errors: FileError, ParseError, SolverError."""
    text = read_prototxt(path)
    choice = _choose(text, "SolverParameter", plugins)
    document = parse_solver(text, str(path), choice.schema, known_elsewhere=unknown_field_hint(plugins))
    return _noted(document, choice, plugins)


def text_schema(text: str | bytes, message: str, plugins: PluginManager) -> Schema:
    """The schema that a text, a *message* such as ``"NetParameter"``, asks for."""
    schema: Schema = _choose(text, message, plugins).schema
    return schema


def read_weights(path: str | Path, plugins: PluginManager) -> Any:
    """Read a binary weight file of any age and fork; the blobs come in the form that stock Caffe writes.

    Errors: FileError, FormatError.
    """
    choice = _package().choose_for_binary(_dialects(plugins), path, plugins.schema(), plugins.dialect)
    net = read_weights_message(path, plugins.keep(choice.schema))
    for dialect in choice.dialects:
        dialect.normalise(net)
    return net


def layer_class(config: Any, plugins: PluginManager, where: Any = None) -> Any:
    """The class of the layer *config*: the one of its file's dialect, where that has its own for the type, else the
    registered one. Errors: UnknownLayerError, saying which fork has the type if one is known to."""
    schema = Schema.of(config)
    theirs = _dialects_of(schema, plugins)
    for dialect in theirs:
        if config.type in dialect.layers:
            return dialect.layers[config.type]
    who = f"layer '{config.name}'"
    try:
        if any(config.type in dialect.unlike for dialect in theirs):
            raise UnknownLayerError(f"unknown layer type '{config.type}'", where=where, who=who)
        return plugins.get("layers", config.type, where=where, who=who).item
    except UnknownLayerError as error:
        known = _package().known_type(_dialects(plugins), config.type, _providers(schema) if schema else ())
        error.hint = known or error.hint
        raise


def unknown_field_hint(plugins: PluginManager) -> KnownElsewhere:
    """A function that says, of a field that a schema lacks, which dialect or plugin has it."""

    def hint(message: str, field: str) -> str | None:
        found: str | None = _package().known_elsewhere(_dialects(plugins), message, field)
        return found or plugins.field_hint(message, field)

    return hint


def dialect_schema(dialect: Any) -> Schema:
    """The stock schema with what *dialect* adds to it."""
    schema: Schema = _package().combine(Schema.stock(), dialect.tables)
    return schema


def _choose(text: str | bytes, message: str, plugins: PluginManager) -> Any:
    choice = _package().choose_for_text(_Lazy(plugins), text, message, plugins.schema(), plugins.dialect)
    plugins.keep(choice.schema)
    return choice


def _noted(document: Document[Any], choice: Any, plugins: PluginManager) -> Document[Any]:
    if not choice.dialects:
        return document
    names = ", ".join(f"{d.type} ({d.fork})" for d in choice.dialects)
    idle = _package().without_effect(document.message, choice.dialects, lambda config: layer_class(config, plugins))
    return replace(document, notes=(f"read with the fields of the dialect {names}", *idle, *document.notes))


def _dialects_of(schema: Schema | None, plugins: PluginManager) -> list[Any]:
    """The dialects whose tables are in *schema*, the last added first."""
    entries = plugins.registry("dialects").entries if schema is not None else {}
    return [entries[name][0].item for name in (_providers(schema) if schema else ()) if name in entries]


def _providers(schema: Schema) -> list[str]:
    """The dialects whose tables are in *schema*, by name, the last added first."""
    found = [a.provider.removeprefix("dialect ") for a in schema.additions if a.provider.startswith("dialect ")]
    return list(dict.fromkeys(name.partition("/")[0] for name in reversed(found)))


def _dialects(plugins: PluginManager) -> list[Any]:
    return [entry.item for entry in plugins.registry("dialects").all()]


def _package() -> Any:
    return import_module(f"{ROOT}.{KINDS['dialects'].package}")


class _Lazy:
    """The dialects of a manager, looked up only when a file turns out to need one."""

    def __init__(self, plugins: PluginManager) -> None:
        self.plugins = plugins

    def __iter__(self) -> Any:
        return iter(_dialects(self.plugins))
