"""ElasticNet: L1 and L2 together."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Array
from ...plugins import Float, Parameters, ParametersClass, hookimpl
from .base import Regularizer


class ElasticNetParameter(Parameters, field="elastic_net_param", number=5001, owner="SolverParameter"):
    alpha = Float(1, default=0.5, minimum=0, doc="weight of the L1 term, sum of |w|")
    beta = Float(2, default=0.5, minimum=0, doc="weight of the L2 term, sum of w squared")


class ElasticNet(Regularizer):
    """The L1 and the L2 term in one: sparse weights, and correlated ones kept together.

    Loss ``strength · (alpha · Σ |w| + beta · Σ w²)``, gradient ``strength · (alpha · sign(w) + 2 · beta · w)``.
    ``alpha: 0 beta: 0.5`` is L2, ``alpha: 1 beta: 0`` is L1.

    Parameters, ``elastic_net_param``: ``alpha`` (0.5), ``beta`` (0.5), neither negative.

    Example::

        regularization_type: "ElasticNet"
        weight_decay: 0.0005
        elastic_net_param { alpha: 0.2 beta: 0.4 }

    Source: Zou and Hastie, 2005.
    """

    type: ClassVar[str] = "ElasticNet"
    elementwise: ClassVar[bool] = True
    parameters: ClassVar[ParametersClass | None] = ElasticNetParameter

    def loss(self, w: Array, strength: float) -> float:
        p = self.param.elastic_net_param
        return strength * float(p.alpha * self.engine.asum(w) + p.beta * self.engine.sumsq(w))

    def factors(self, strength: float) -> tuple[float, float]:
        p = self.param.elastic_net_param
        return strength * p.alpha, 2.0 * strength * p.beta


@hookimpl
def cortado_regularizers() -> list[type[Regularizer]]:
    return [ElasticNet]
