"""CappedDecay: a weight decay that does not grow for large weights."""

from __future__ import annotations

import cortado
from cortado.plugins import Float
from cortado.solver import Regularizer


class CappedDecayParameter(cortado.Parameters, field="capped_decay_param", number=183_204_513, owner="SolverParameter"):
    width = Float(1, default=1, above=0, doc="the size of a weight at which the decay stops to grow")


class CappedDecay(Regularizer):
    """Loss ``strength · Σ h(w)``, h(w) = w²/2 up to ``width`` and width · (abs(w) - width/2) beyond.

    Parameters, ``capped_decay_param``: ``width`` (1).
    """

    type = "CappedDecay"
    parameters = CappedDecayParameter

    def loss(self, w, strength):
        width = self.param.capped_decay_param.width
        small = abs(w) <= width
        return strength * float((small * w**2 / 2 + ~small * width * (abs(w) - width / 2)).sum())

    def add_gradient(self, w, g, strength):
        width = self.param.capped_decay_param.width
        g += strength * w.clip(-width, width)
