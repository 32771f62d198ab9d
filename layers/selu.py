"""SELU: a scaled ELU that keeps mean and variance where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer

ALPHA = 1.6732632423543772
SCALE = 1.0507009873554805


class SELU(NeuronLayer):
    """The scaled exponential linear unit, whose constants make mean 0 and variance 1 a fixed point.

    Forward ``y = λ · x`` for x > 0, ``y = λ · α · (exp(x) - 1)`` elsewhere, with ``λ = 1.0507009873554805`` and
    ``α = 1.6732632423543772``. Backward ``dx = dy · λ`` for x > 0, ``dx = dy · (y + λ · α)`` elsewhere.

    Bottom and top: any shape, the same; in place costs nothing, as y has the sign of x. No parameters. Weights should
    begin with mean 0 and variance 1 / fan in: ``weight_filler { type: "gaussian" std: … }``, or msra over √2.

    Example::

        layer { name: "selu1" type: "SELU" bottom: "ip1" top: "ip1" }

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    type: ClassVar[str] = "SELU"
    needs_top: ClassVar[str] = "values"

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.elu_forward(bottom[0].data, top[0].data, ALPHA)
        self.engine.scale_by(SCALE, top[0].data, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, y = self.engine.xp, top[0].data
        slope = self.engine.like("layer slope", y)
        above = self.engine.scratch("layer mask", y.shape, np.bool_)
        xp.greater(y, 0, out=above)
        xp.add(y, SCALE * ALPHA, out=slope)
        xp.copyto(slope, SCALE, where=above)
        self.engine.multiply(top[0].diff, slope, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [SELU]
