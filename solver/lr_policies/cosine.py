"""cosine: half a wave down, once or again and again."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ...errors import SolverError
from ...plugins import Float, Int, Parameters, ParametersClass, hookimpl
from .base import LearningRatePolicy


class CosineParameter(Parameters, field="cosine_param", number=5021, owner="SolverParameter"):
    minimum = Float(1, default=0, minimum=0, doc="the rate at the end of a cycle")
    cycle = Int(2, default=0, minimum=0, doc="iterations of the first cycle; 0 stands for max_iter")
    growth = Float(3, default=1, minimum=1, doc="how many times longer each cycle is than the one before it")


class Cosine(LearningRatePolicy):
    """Rate ``minimum + (base_lr - minimum) · (1 + cos(π · i / n)) / 2``, i being the iterations done of a cycle of n.

    With ``cycle`` 0 there is one cycle, of max_iter, and the rate stays at ``minimum`` behind it. Otherwise the rate
    starts anew at base_lr whenever a cycle ends, the next cycle being ``growth`` times as long.

    Parameters, ``cosine_param``, which must be there: ``minimum`` (0), ``cycle`` (0), ``growth`` (1, at least 1).
    Errors: SolverError without the block, for a minimum above base_lr, or neither ``cycle`` nor ``max_iter``.

    Example::

        lr_policy: "cosine"  base_lr: 0.1  max_iter: 10000
        cosine_param { minimum: 0.001 }

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """

    type: ClassVar[str] = "cosine"
    parameters: ClassVar[ParametersClass | None] = CosineParameter

    def check(self) -> None:
        super().check()
        if not self.param.HasField("cosine_param"):
            hint = "write cosine_param { }, with its defaults; Caffe has no such policy, so it is not run by accident"
            raise SolverError("lr_policy 'cosine' needs its own block, cosine_param", got="none", hint=hint)
        own = self.param.cosine_param
        if not own.cycle:
            self.need_positive("max_iter")
        if own.minimum > self.param.base_lr:
            raise SolverError(
                "lr_policy 'cosine' needs cosine_param.minimum <= base_lr",
                got=f"{own.minimum:g} and {self.param.base_lr:g}",
            )

    def rate(self, iteration: int) -> float:
        own, top = self.param.cosine_param, self.param.base_lr
        done, length = (iteration, self.param.max_iter) if not own.cycle else self._place(iteration, own)
        share = (1 + math.cos(math.pi * min(1.0, done / length))) / 2
        return float(own.minimum + (top - own.minimum) * share)

    @staticmethod
    def _place(iteration: int, own: Any) -> tuple[float, float]:
        """How many iterations of the present cycle are done, and how many it has."""
        first, growth = float(own.cycle), float(own.growth)
        if growth == 1:
            return iteration % first, first
        cycles = math.floor(math.log(iteration / first * (growth - 1) + 1, growth) + 1e-12)
        return max(0.0, iteration - first * (growth**cycles - 1) / (growth - 1)), first * growth**cycles


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [Cosine]
