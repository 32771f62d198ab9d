"""warmup: a slow start for any other policy."""

from __future__ import annotations

from typing import Any, ClassVar

from ...errors import SolverError
from ...plugins import Float, Int, Parameters, ParametersClass, String, hookimpl, plugin_manager
from .base import LearningRatePolicy


class WarmupParameter(Parameters, field="warmup_param", number=5022, owner="SolverParameter"):
    iterations = Int(1, default=500, minimum=1, doc="how long the start takes")
    start = Float(2, default=0, minimum=0, maximum=1, doc="the share of the rate that it begins with")
    policy = String(3, default="fixed", doc="the policy whose rate is warmed up to")


class Warmup(LearningRatePolicy):
    """Rate of another policy, times ``start + (1 - start) · (iteration + 1) / iterations`` until that reaches 1.

    The other policy counts its iterations from the first one, so its steps fall where they would without warm-up. A
    ``start`` of 0 begins with the share 1 / iterations, not with a rate of 0.

    Parameters, ``warmup_param``: ``policy`` ("fixed"), any of the iteration alone, which reads its own fields;
    ``iterations`` (500); ``start`` (0), from 0 to 1.
    Errors: SolverError for "warmup" and "plateau", and what the policy refuses.

    Example::

        lr_policy: "warmup"  base_lr: 0.4  max_iter: 10000
        warmup_param { iterations: 200 policy: "cosine" }

    Source: Goyal et al., "Accurate, Large Minibatch SGD", 2017.
    """

    type: ClassVar[str] = "warmup"
    parameters: ClassVar[ParametersClass | None] = WarmupParameter

    def __init__(self, param: Any) -> None:
        self._inner: LearningRatePolicy | None = None  # before the base, which sets current_step
        super().__init__(param)

    @property
    def inner(self) -> LearningRatePolicy:
        """The policy that is warmed up to."""
        if self._inner is None:
            name = self.param.warmup_param.policy
            if name in (self.type, "plateau"):
                raise SolverError("warmup_param.policy must be a policy of the iteration alone", got=f"'{name}'")
            self._inner = plugin_manager().get("lr_policies", name).item(self.param)
        return self._inner

    @property
    def current_step(self) -> int:
        """That of the inner policy, which is saved with the solver state."""
        return self._inner.current_step if self._inner is not None else 0

    @current_step.setter
    def current_step(self, step: int) -> None:
        if step or self._inner is not None:
            self.inner.current_step = step

    def check(self) -> None:
        declared = self.inner.parameters
        if declared is not None:
            declared.require(self.param, error=SolverError)
        self.inner.check()

    def rate(self, iteration: int) -> float:
        own = self.param.warmup_param
        share = own.start + (1 - own.start) * (iteration + 1) / own.iterations
        return self.inner.rate(iteration) * float(min(1.0, share))


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [Warmup]
