"""The test kit, for layers of Cortado and of plugins: run one layer alone, and check its gradients.

make_layer      a layer with its blobs, ready to run, from a ``layer { }`` text and arrays
check_gradient  its backward against central differences of its forward
"""

from .gradients import GradientError, GradientReport, check_gradient
from .layers import LayerRun, make_layer

__all__ = ["GradientError", "GradientReport", "LayerRun", "check_gradient", "make_layer"]
