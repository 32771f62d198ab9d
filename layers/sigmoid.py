"""Sigmoid: the logistic curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class Sigmoid(NeuronLayer):
    """The logistic function, which squeezes any number into (0, 1).

    Forward ``y = 1 / (1 + exp(-x))``, computed without overflow for any x.
    Backward ``dx = dy · y · (1 - y)``, from the top data alone, so the layer may run in place.

    Bottom and top: any shape, the same. ``sigmoid_param { engine }`` is read and makes no difference.

    Example::

        layer { name: "squash" type: "Sigmoid" bottom: "ip1" top: "ip1" }

    Source: Caffe's Sigmoid layer; LeCun et al., "Efficient BackProp", 1998, on its saturation.
    """

    type: ClassVar[str] = "Sigmoid"
    needs_top: ClassVar[str] = "values"
    param_field: ClassVar[str | None] = "sigmoid_param"

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.sigmoid_forward(bottom[0].data, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.sigmoid_backward(top[0].data, top[0].diff, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Sigmoid]
