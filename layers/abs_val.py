"""AbsVal: the absolute value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class AbsVal(NeuronLayer):
    """The absolute value of every element.

    Forward ``y = |x|``.
    Backward ``dx = dy · sign(x)``, with sign(0) = 0.

    Bottom and top: any shape, the same. No parameters. Not in place, as the sign would be lost.

    Example::

        layer { name: "size" type: "AbsVal" bottom: "difference" top: "size" }

    Source: Caffe's AbsVal layer.
    """

    type: ClassVar[str] = "AbsVal"
    in_place: ClassVar[bool] = False

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.xp.abs(bottom[0].data, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            dx = bottom[0].diff
            self.engine.xp.sign(bottom[0].data, out=dx)
            self.engine.multiply(dx, top[0].diff, dx)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [AbsVal]
