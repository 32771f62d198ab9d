"""From a definition to an executable net: select, splits, graph, build, sharing, gradients, Net.

Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .check import Problem as Problem, check_file as check_file
    from .definition import NetSource as NetSource, definition as definition
    from .formats import WeightFormat as WeightFormat
    from .net import Net as Net
    from .passes import NetPass as NetPass
    from .sharing import Parameter as Parameter
    from .splits import insert_splits as insert_splits
    from .state import LayerSpec as LayerSpec, NetState as NetState, select as select
    from .weights import LoadReport as LoadReport, load_weights as load_weights, save_weights as save_weights

_HOME_OF = {
    "LayerSpec": "state",
    "LoadReport": "weights",
    "Net": "net",
    "NetPass": "passes",
    "NetSource": "definition",
    "NetState": "state",
    "Parameter": "sharing",
    "Problem": "check",
    "WeightFormat": "formats",
    "check_file": "check",
    "definition": "definition",
    "insert_splits": "splits",
    "load_weights": "weights",
    "save_weights": "weights",
    "select": "state",
}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'cortado.netdef' has no attribute '{name}'")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
