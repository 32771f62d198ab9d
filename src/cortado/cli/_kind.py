"""Whether a prototxt is a net or a solver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..proto import Document


def read_net_or_solver(path: str) -> tuple[str, Document[Any]]:
    """("net", document) or ("solver", document) for the file at *path*.

    Errors: ParseError, of the reading that got further.
    """
    from ..errors import ParseError
    from ..plugins import plugin_manager
    from ..plugins.dialects import read_net, read_solver

    plugins = plugin_manager()
    try:
        return "net", read_net(path, plugins)
    except ParseError as as_net:
        try:
            return "solver", read_solver(path, plugins)
        except ParseError as as_solver:
            raise max(as_net, as_solver, key=_line) from None


def _line(error: Any) -> int:
    return int(getattr(error.where, "line", 0))
