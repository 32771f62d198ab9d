"""RReLU: a rectifier whose slope below zero is drawn at random while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..plugins import Float, Parameters, ParametersClass, hookimpl
from .blob import Blob
from .context import Phase
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class RReLUParameter(Parameters, field="rrelu_param", number=5300):
    lower = Float(1, default=0.125, minimum=0, doc="the least slope below zero")
    upper = Float(2, default=0.33333334, minimum=0, doc="the greatest slope below zero")

    @classmethod
    def check(cls, param: Any) -> str | None:
        return None if param.lower <= param.upper else "lower must not be above upper"


class RReLU(NeuronLayer):
    """The randomized leaky rectifier: the identity above zero, and below it a slope of its own for each element.

    Forward ``y = x`` for x > 0, ``y = a · x`` elsewhere. In the TRAIN phase a is drawn for every element anew, evenly
    from ``lower`` to ``upper``; in the TEST phase ``a = (lower + upper) / 2``.
    Backward ``dx = dy`` for x > 0, ``dx = dy · a`` elsewhere, with the a of the forward.

    Bottom and top: any shape, the same; in place allowed. Parameters, in ``rrelu_param``: ``lower`` (0.125) and
    ``upper`` (0.33333334), neither negative, lower not above upper.

    Example::

        layer { name: "rrelu1" type: "RReLU" bottom: "conv1" top: "conv1" rrelu_param { lower: 0.1 upper: 0.3 } }

    Source: Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.
    """

    type: ClassVar[str] = "RReLU"
    parameters: ClassVar[ParametersClass | None] = RReLUParameter
    stochastic: ClassVar[bool] = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._lower, self._upper = float(self.param.lower), float(self.param.upper)
        self._draws = self.phase == Phase.TRAIN
        self._uniform = Blob((0,), np.float32, f"{self.name} draws")
        self._factor = Blob((0,), self.dtype, f"{self.name} slopes")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._uniform.reshape_like(bottom[0])
        self._factor.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        if not self._draws:
            self.engine.relu_forward(x, y, (self._lower + self._upper) / 2)
            return
        xp, draws, factor = self.engine.xp, self._uniform.data, self._factor.data
        self.rng.random(out=draws, dtype=np.float32)
        xp.multiply(draws, self._upper - self._lower, out=factor)
        xp.add(factor, self._lower, out=factor)
        above = self.engine.scratch("layer mask", x.shape, np.bool_)
        xp.greater(x, 0, out=above)
        xp.copyto(factor, 1, where=above)
        self.engine.multiply(x, factor, y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self._draws:
            self.engine.multiply(top[0].diff, self._factor.data, bottom[0].diff)
        else:
            slope = (self._lower + self._upper) / 2
            self.engine.relu_backward(top[0].data, top[0].diff, bottom[0].diff, slope)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [RReLU]
