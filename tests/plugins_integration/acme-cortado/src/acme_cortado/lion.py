"""Lion: steps of the sign of a momentum."""

from __future__ import annotations

import cortado
from cortado.plugins import Float
from cortado.solver import Optimizer


class LionParameter(cortado.Parameters, field="lion_param", number=183_204_512, owner="SolverParameter"):
    beta1 = Float(1, default=0.9, minimum=0, below=1, doc="share of the momentum in the step")
    beta2 = Float(2, default=0.99, minimum=0, below=1, doc="share of the momentum that is kept")


class Lion(Optimizer):
    """``w = w - rate · sign(beta1 · m + (1 - beta1) · g)``, then ``m = beta2 · m + (1 - beta2) · g``.

    Parameters, ``lion_param``: ``beta1`` (0.9), ``beta2`` (0.99). Source: Chen et al., 2023.
    """

    type = "Lion"
    slots = 1
    parameters = LionParameter

    def update(self, w, g, history, rate, iteration):
        xp, param, (m,) = self.engine.xp, self.param.lion_param, history
        step = rate * xp.sign(param.beta1 * m + (1 - param.beta1) * g)
        m *= param.beta2
        m += (1 - param.beta2) * g
        w -= step
        g[...] = step
