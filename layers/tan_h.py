"""TanH: the hyperbolic tangent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class TanH(NeuronLayer):
    """The hyperbolic tangent, which squeezes any number into (-1, 1).

    Forward ``y = tanh(x)``.
    Backward ``dx = dy · (1 - y²)``, from the top data alone, so the layer may run in place.

    Bottom and top: any shape, the same. ``tanh_param { engine }`` is read and makes no difference.

    Example::

        layer { name: "squash" type: "TanH" bottom: "ip1" top: "ip1" }

    Source: Caffe's TanH layer; LeCun et al., "Efficient BackProp", 1998.
    """

    type: ClassVar[str] = "TanH"
    needs_top: ClassVar[str] = "values"
    param_field: ClassVar[str | None] = "tanh_param"

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.tanh_forward(bottom[0].data, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.tanh_backward(top[0].data, top[0].diff, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [TanH]
