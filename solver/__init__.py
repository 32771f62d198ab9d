"""The training loop, and what plugs into it: optimizers, regularizers, learning-rate policies, callbacks.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .callbacks import Callback as Callback
    from .evaluate import evaluate as evaluate
    from .lr_policies import LearningRatePolicy as LearningRatePolicy
    from .metrics import TestResult as TestResult, TrainMetrics as TrainMetrics
    from .optimizers import Optimizer as Optimizer
    from .regularizers import Regularizer as Regularizer
    from .solver import Solver as Solver

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    callbacks="Callback",
    evaluate="evaluate",
    lr_policies="LearningRatePolicy",
    metrics="TestResult TrainMetrics",
    optimizers="Optimizer",
    regularizers="Regularizer",
    solver="Solver",
)
