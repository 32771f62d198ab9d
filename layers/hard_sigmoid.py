"""HardSigmoid: a straight line between two flat ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import Float, Parameters, ParametersClass, hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class HardSigmoidParameter(Parameters, field="hard_sigmoid_param", number=5304):
    alpha = Float(1, default=0.2, above=0, doc="the slope of the line")
    beta = Float(2, default=0.5, minimum=0, maximum=1, doc="the value at 0")


class HardSigmoid(NeuronLayer):
    """The logistic curve, drawn with a ruler.

    Forward ``y = min(1, max(0, alpha · x + beta))``. Backward ``dx = dy · alpha`` where 0 < y < 1, and 0 elsewhere.

    Bottom and top: any shape, the same; in place costs nothing.

    Parameters, in ``hard_sigmoid_param``: ``alpha`` (0.2), the slope; ``beta`` (0.5), the value at 0. MobileNet V3
    has alpha 1/6.

    Example::

        layer { name: "gate" type: "HardSigmoid" bottom: "fc" top: "fc" hard_sigmoid_param { alpha: 0.16666667 } }

    Source: Courbariaux et al., "BinaryConnect", 2015; the defaults are those of Theano and ONNX.
    """

    type: ClassVar[str] = "HardSigmoid"
    needs_top: ClassVar[str] = "values"
    parameters: ClassVar[ParametersClass | None] = HardSigmoidParameter

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._alpha, self._beta = float(self.param.alpha), float(self.param.beta)

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.hard_sigmoid_forward(bottom[0].data, top[0].data, self._alpha, self._beta)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.hard_sigmoid_backward(top[0].data, top[0].diff, bottom[0].diff, self._alpha)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [HardSigmoid]
