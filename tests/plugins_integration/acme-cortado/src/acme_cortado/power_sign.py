"""PowerSign: longer steps where the gradient agrees with where it has been going."""

from __future__ import annotations

import cortado
from cortado.plugins import Float
from cortado.solver import Optimizer


class PowerSignParameter(cortado.Parameters, field="power_sign_param", number=183_204_512, owner="SolverParameter"):
    base = Float(1, default=2.718281828, above=1, doc="by how much a step is longer, or shorter, than the gradient")
    beta = Float(2, default=0.9, minimum=0, below=1, doc="share of the mean gradient that is kept")


class PowerSign(Optimizer):
    """``m = beta · m + (1 - beta) · g``, then ``w = w - rate · base ^ (sign(g) · sign(m)) · g``.

    Parameters, ``power_sign_param``: ``base`` (e), ``beta`` (0.9).

    Source: Bello et al., "Neural Optimizer Search", 2017.
    """

    type = "PowerSign"
    slots = 1
    parameters = PowerSignParameter

    def update(self, w, g, history, rate, iteration):
        xp, param, (m,) = self.engine.xp, self.param.power_sign_param, history
        m *= param.beta
        m += (1 - param.beta) * g
        g *= rate * param.base ** (xp.sign(g) * xp.sign(m))
        w -= g
