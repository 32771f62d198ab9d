"""LearningRatePolicy: the rate as a function of the iteration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import SolverError

if TYPE_CHECKING:
    from ...plugins import ParametersClass
    from ...proto.caffe_pb2 import SolverParameter


class LearningRatePolicy:
    """Base of policies.

    ``type`` is the name in ``lr_policy: "…"``; ``parameters`` a
    Parameters class with ``owner="SolverParameter"`` where it has fields of its own. ``rate(iteration)`` is called
    once per iteration, counting from 0. ``current_step`` is saved with the solver state.

    Example, a complete policy::

        class Cosine(LearningRatePolicy):
            type = "cosine"

            def rate(self, iteration):
                return self.param.base_lr * (1 + math.cos(math.pi * iteration / self.param.max_iter)) / 2
    """

    plugin_kind: ClassVar[str] = "lr_policies"
    type: ClassVar[str] = ""
    parameters: ClassVar[ParametersClass | None] = None

    def __init__(self, param: SolverParameter) -> None:
        self.param: Any = param
        self.current_step = 0

    def check(self) -> None:
        """Refuse, with a SolverError, what makes no rate."""
        self.need_not_negative("base_lr")

    def rate(self, iteration: int) -> float:
        raise NotImplementedError

    def run_state(self) -> dict[str, Any]:
        """What it keeps besides ``current_step``: numbers, text, arrays, lists and dicts of them."""
        return {}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``run_state`` returned."""

    def need_positive(self, field: str) -> None:
        """Errors: SolverError unless *field* of the solver is greater than 0."""
        if not getattr(self.param, field) > 0:
            raise SolverError(
                f"lr_policy '{self.type}' needs {field} > 0", got=f"{field}: {getattr(self.param, field):g}"
            )

    def need_not_negative(self, field: str) -> None:
        """Errors: SolverError when *field* of the solver is negative."""
        if getattr(self.param, field) < 0:
            raise SolverError(
                f"lr_policy '{self.type}' needs {field} >= 0", got=f"{field}: {getattr(self.param, field):g}"
            )
