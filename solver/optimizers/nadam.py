"""NAdam: Adam with Nesterov's look ahead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from ...engines import ReferenceEngine
from ...layers import Array
from ...plugins import Float, Parameters, ParametersClass, hookimpl
from .base import Optimizer


class NAdamParameter(Parameters, field="nadam_param", number=5010, owner="SolverParameter"):
    momentum_decay = Float(1, default=0.004, minimum=0, doc="how quickly the momentum rises to its full value")


class NAdam(Optimizer):
    """Adam whose step uses the momentum that the next iteration will have.

    ``μ_t = β1 · (1 - 0.5 · 0.96^(t · momentum_decay))`` with ``t = iteration + 1``, and ``M_t = μ_1 · … · μ_t``.
    ``m = β1 · m + (1 - β1) · g``, ``v = β2 · v + (1 - β2) · g²``,
    ``w = w - rate · (μ_{t+1} / (1 - M_{t+1}) · m + (1 - μ_t) / (1 - M_t) · g) / (√(v / (1 - β2^t)) + delta)``;
    history m, then v.

    Fields: ``momentum`` is β1 (0.9 where it is not set), ``momentum2`` is β2 (0.999), ``delta`` (1e-8);
    ``nadam_param { momentum_decay }`` (0.004).

    Example::

        type: "NAdam"  base_lr: 0.002

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2016.
    """

    type: ClassVar[str] = "NAdam"
    slots: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True
    parameters: ClassVar[ParametersClass | None] = NAdamParameter

    def __init__(self, param: Any, engine: ReferenceEngine) -> None:
        super().__init__(param, engine)
        self._products = [1.0]

    def update(self, w: Array, g: Array, history: Sequence[Array], rate: float, iteration: int) -> None:
        (m, v), xp = history, self.engine.xp
        beta1, beta2, t = self._beta1(), self.param.momentum2, iteration + 1
        work = self.engine.like("nadam", w)
        xp.multiply(g, g, out=work)
        self._mean(v, work, beta2)
        xp.copyto(work, g)
        self._mean(m, work, beta1)
        xp.multiply(g, rate * (1 - self._mu(t)) / (1 - self._product(t)), out=g)
        xp.multiply(m, rate * self._mu(t + 1) / (1 - self._product(t + 1)), out=work)
        xp.add(g, work, out=g)
        xp.multiply(v, 1 / (1 - beta2**t), out=work)
        xp.sqrt(work, out=work)
        xp.add(work, self.param.delta, out=work)
        xp.divide(g, work, out=g)
        xp.subtract(w, g, out=w)

    def _mean(self, mean: Array, value: Array, beta: float) -> None:
        """mean = beta · mean + (1 - beta) · value; *value* is spent."""
        xp = self.engine.xp
        xp.multiply(mean, beta, out=mean)
        xp.multiply(value, 1 - beta, out=value)
        xp.add(mean, value, out=mean)

    def _beta1(self) -> float:
        return float(self.param.momentum) if self.param.HasField("momentum") else 0.9

    def _mu(self, t: int) -> float:
        return self._beta1() * (1 - 0.5 * math.pow(0.96, t * self.param.nadam_param.momentum_decay))

    def _product(self, t: int) -> float:
        """M_t; those before it are kept, so a run that goes on from a state works them out once."""
        while len(self._products) <= t:
            self._products.append(self._products[-1] * self._mu(len(self._products)))
        return self._products[t]


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [NAdam]
