"""From a definition to an executable net: select, splits, graph, build, sharing, gradients, Net.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

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

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    check="Problem check_file",
    definition="NetSource definition",
    formats="WeightFormat",
    net="Net",
    passes="NetPass",
    sharing="Parameter",
    splits="insert_splits",
    state="LayerSpec NetState select",
    weights="LoadReport load_weights save_weights",
)
