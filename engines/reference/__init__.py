"""The reference engine: every kernel in plain NumPy, any floating dtype: the specification of the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pluggy

from ..engine import Engine
from .chain import Chain
from .convolution import Convolution
from .curves import Curves
from .elementwise import Elementwise
from .linear import Linear
from .losses import Losses
from .pooling import Pooling
from .softmax import Softmax
from .updates import Updates

__all__ = ["ReferenceEngine", "cortado_engines"]

hookimpl = pluggy.HookimplMarker("cortado")


class ReferenceEngine(Losses, Curves, Linear, Convolution, Pooling, Chain, Softmax, Elementwise, Updates):
    """Array kernels in NumPy; matrix products run in the BLAS that NumPy was built with, which has its own threads."""

    name = "reference"

    def __init__(self) -> None:
        super().__init__()
        self.isa = f"NumPy {np.__version__}"


@hookimpl
def cortado_engines() -> dict[str, Callable[[], Engine]]:
    """The engines of this module, by name."""
    return {"reference": ReferenceEngine}
