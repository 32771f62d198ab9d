"""The test kit, for layers of Cortado and of plugins: run one layer alone, and check all that its contract asks for.

make_layer      a layer with its blobs, ready to run, from a ``layer { }`` text and arrays
check_gradient  its backward against central differences of its forward
check_layer     every conformance check: shapes, gradients, in place, phases, files, engines, threads …
LayerCase       a layer with its inputs, for ``check_layer`` and for ``@pytest.mark.layer_cases``
"""

from .cases import LayerCase
from .checks import CHECKS, ConformanceError
from .conformance import CheckResult, check_layer
from .gradients import GradientError, GradientReport, check_gradient
from .layers import LayerRun, make_layer

__all__ = [
    "CHECKS",
    "CheckResult",
    "ConformanceError",
    "GradientError",
    "GradientReport",
    "LayerCase",
    "LayerRun",
    "check_gradient",
    "check_layer",
    "make_layer",
]
