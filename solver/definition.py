"""Definition: what a solver is made from, as a SolverParameter of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import SolverError
from ..plugins import PluginManager
from ..plugins.dialects import read_solver
from ..proto import Document, Schema


def solver_param(source: Any, plugins: PluginManager, fields: dict[str, Any]) -> Any:
    """A copy of the SolverParameter in or at *source*, with the plugins' fields, overridden by *fields*.

    Errors: SolverError for a source of another kind; ParseError; FileError.
    """
    if isinstance(source, (str, Path)):
        source = read_solver(source, plugins)
    message = source.message if isinstance(source, Document) else source
    if not hasattr(message, "SerializeToString"):
        raise SolverError("a solver is named by a path, a Document or a SolverParameter", got=repr(source))
    own, schema = Schema.of(message), plugins.schema()
    if own is not None and {a.key() for a in schema.additions} <= {a.key() for a in own.additions}:
        schema = own  # that of a dialect; a message of the stock schema lacks the plugins' fields
    param = schema.message("SolverParameter").FromString(message.SerializeToString())
    for name, value in fields.items():
        if isinstance(value, (list, tuple)):
            param.ClearField(name)
            getattr(param, name).extend(value)
        elif hasattr(value, "SerializeToString"):
            getattr(param, name).MergeFromString(value.SerializeToString())
        else:
            setattr(param, name, value)
    return param


def weight_paths(weights: str | Path | Sequence[str | Path]) -> list[str | Path]:
    """Weight files in *weights*: one or several, of which texts may name several, separated by commas."""
    given = [weights] if isinstance(weights, (str, Path)) else list(weights)
    return [part for item in given for part in (_split(item) if isinstance(item, str) else [item])]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
