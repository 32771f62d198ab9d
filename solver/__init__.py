"""The training loop, and what plugs into it: optimizers, regularizers, learning-rate policies, callbacks.

Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .callbacks import Callback as Callback
    from .evaluate import evaluate as evaluate
    from .lr_policies import LearningRatePolicy as LearningRatePolicy
    from .metrics import TestResult as TestResult, TrainMetrics as TrainMetrics
    from .optimizers import Optimizer as Optimizer
    from .regularizers import Regularizer as Regularizer
    from .solver import Solver as Solver

_HOME_OF = {
    "Callback": "callbacks",
    "LearningRatePolicy": "lr_policies",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Solver": "solver",
    "TestResult": "metrics",
    "TrainMetrics": "metrics",
    "evaluate": "evaluate",
}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'cortado.solver' has no attribute '{name}'")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
