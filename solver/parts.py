"""Parts: the optimizer, the learning-rate policy and the regularizer that a solver file names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import Position, SolverError

if TYPE_CHECKING:
    from ..engines import ReferenceEngine
    from ..plugins import PluginManager
    from .lr_policies import LearningRatePolicy
    from .optimizers import Optimizer
    from .regularizers import Regularizer


class Parts(NamedTuple):
    """What a solver is put together from."""

    optimizer: Optimizer
    policy: LearningRatePolicy
    regularizer: Regularizer


def choose_parts(
    param: Any, plugins: PluginManager, engine: ReferenceEngine, place: Callable[..., Position | None] = lambda *_: None
) -> Parts:
    """The parts that the SolverParameter *param* names, each of them content with its fields.

    *place* tells where a field stands. Errors: SolverError for an unknown name, or for what a part refuses.
    """
    parts = Parts(
        plugins.get("optimizers", param.type, where=place("type")).item(param, engine),
        plugins.get("lr_policies", param.lr_policy or "fixed", where=place("lr_policy")).item(param),
        plugins.get("regularizers", param.regularization_type, where=place("regularization_type")).item(param, engine),
    )
    for part in parts:
        if part.parameters is not None:
            part.parameters.require(param, place, error=SolverError)
        part.check()
    return parts
