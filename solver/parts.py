"""Parts: the optimizer, the learning-rate policy and the regularizer that a solver file names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import Position, SolverError

if TYPE_CHECKING:
    from ..engines import ReferenceEngine
    from ..plugins import PluginManager
    from .callbacks import Callback
    from .lr_policies import LearningRatePolicy
    from .optimizers import Optimizer
    from .regularizers import Regularizer


Place = Callable[..., "Position | None"]
LEAST = {"iter_size": 1, "average_loss": 1, "max_iter": 0, "display": 0, "snapshot": 0, "test_iter": 0}
"""The smallest values of numbers that count something."""


class Parts(NamedTuple):
    """What a solver is put together from."""

    optimizer: Optimizer
    policy: LearningRatePolicy
    regularizer: Regularizer


def check_fields(param: Any, place: Place = lambda *_: None) -> None:
    """See that the SolverParameter *param* counts with numbers that can be counts. Errors: SolverError."""
    for name, least in LEAST.items():
        value = getattr(param, name)
        for index, count in enumerate(value) if name == "test_iter" else [(0, value)]:
            if count < least:
                where = place(name, index) if name == "test_iter" else place(name)
                raise SolverError(f"{name} must be at least {least}", where=where, got=str(count))


def choose_parts(param: Any, plugins: PluginManager, engine: ReferenceEngine, place: Place = lambda *_: None) -> Parts:
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


def asked_for(param: Any, plugins: PluginManager, place: Place = lambda *_: None) -> list[Callback]:
    """The callbacks that the SolverParameter *param* asks for, by setting the parameters that their classes declare.

    Errors: SolverError for parameters that break their rules.
    """
    found: list[Callback] = []
    for entry in plugins.registry("callbacks").all():
        declared = getattr(entry.item, "parameters", None)
        if declared is None or declared.field not in param.DESCRIPTOR.fields_by_name:
            continue
        if param.HasField(declared.field):
            declared.require(param, place, error=SolverError)
            found.append(entry.item())
    return found
