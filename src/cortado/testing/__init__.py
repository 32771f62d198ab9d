"""The test kit, for layers of Cortado and of plugins: run one layer alone, and check all that its contract asks for.

make_layer      a layer with its blobs, ready to run, from a ``layer { }`` text and arrays
check_gradient  its backward against central differences of its forward
check_layer     every conformance check: shapes, gradients, in place, phases, files, engines, threads …
draw_weights    random weights for a whole net under which values keep their size
LayerCase       a layer with its inputs, for ``check_layer`` and for ``@pytest.mark.layer_cases``

Names are loaded when they are first used, since pytest imports the kit's plugin in every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .cases import LayerCase as LayerCase
    from .checks import CHECKS as CHECKS, ConformanceError as ConformanceError
    from .conformance import CheckResult as CheckResult, check_layer as check_layer
    from .gradients import (
        GradientError as GradientError,
        GradientReport as GradientReport,
        check_gradient as check_gradient,
    )
    from .layers import LayerRun as LayerRun, make_layer as make_layer
    from .weights import draw_weights as draw_weights

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    cases="LayerCase",
    checks="CHECKS ConformanceError",
    conformance="CheckResult check_layer",
    gradients="GradientError GradientReport check_gradient",
    layers="LayerRun make_layer",
    weights="draw_weights",
)
