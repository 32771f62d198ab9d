"""Lion: the sign of a mean of gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...errors import SolverError
from ...layers import Array
from ...plugins import hookimpl
from .base import Optimizer


class Lion(Optimizer):
    """Moves every weight by the same amount, in the direction of an interpolation of momentum and gradient.

    First ``w = w - rate · strength · w``, strength being weight_decay · decay_mult; then
    ``w = w - rate · sign(β1 · m + (1 - β1) · g)``, ``m = β2 · m + (1 - β2) · g``; history m.

    Fields: ``momentum`` is β1 (0.9 where it is not set), ``momentum2`` is β2 (0.99 where it is not set), each from 0
    to 1; ``regularization_type`` must be left at L2. A rate some 3 to 10 times below that of AdamW, with a
    ``weight_decay`` larger by as much, is where to begin.

    Example::

        type: "Lion"  base_lr: 0.0001  weight_decay: 0.1

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.
    """

    type: ClassVar[str] = "Lion"
    decoupled: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True

    def check(self) -> None:
        self.refuse_regularizer()
        for field in ("momentum", "momentum2"):
            value = getattr(self.param, field)
            if not 0 <= value <= 1:
                raise SolverError(f"Lion needs {field} from 0 to 1", got=f"{field}: {value:g}")

    def update(self, w: Array, g: Array, history: Sequence[Array], rate: float, iteration: int) -> None:
        (m,), xp = history, self.engine.xp
        beta1 = self.param.momentum if self.param.HasField("momentum") else 0.9
        beta2 = self.param.momentum2 if self.param.HasField("momentum2") else 0.99
        direction = self.engine.like("lion", w)
        xp.subtract(m, g, out=direction)
        xp.multiply(direction, beta1, out=direction)
        xp.add(direction, g, out=direction)
        xp.subtract(m, g, out=m)
        xp.multiply(m, beta2, out=m)
        xp.add(m, g, out=m)
        xp.sign(direction, out=g)
        xp.multiply(g, rate, out=g)
        xp.subtract(w, g, out=w)


@hookimpl
def cortado_optimizers() -> list[type[Optimizer]]:
    return [Lion]
