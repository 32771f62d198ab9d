"""Power: an affine function raised to a power."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class Power(KeepingLayer):
    """Scale, shift and raise every element.

    Forward ``y = (shift + scale · x) ^ power``.
    Backward ``dx = dy · power · scale · (shift + scale · x) ^ (power - 1)``; 0 if power or scale is 0.

    Bottom and top: any shape, the same. In place the layer keeps a copy of its bottom where the gradient needs it, so
    the gradient is right there too (Caffe's is not: it overwrites the top's gradient before it is used).
    A negative base with a fractional power gives NaN.

    Parameters, in ``power_param``: ``power`` (1), ``scale`` (1), ``shift`` (0).

    Example::

        layer { name: "square" type: "Power" bottom: "x" top: "square" power_param { power: 2 scale: 0.5 } }

    Source: Caffe's Power layer.
    """

    type: ClassVar[str] = "Power"
    param_field: ClassVar[str | None] = "power_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param
        self._power, self._scale, self._shift = float(p.power), float(p.scale), float(p.shift)
        self._bends = self._power not in (0, 1) and self._scale != 0

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = self.keep(bottom, top) if self._bends else bottom[0].data
        self.engine.power_forward(x, top[0].data, self._power, self._scale, self._shift)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self._bends:
            x = self.kept(bottom, top)
            self.engine.power_backward(x, top[0].diff, bottom[0].diff, self._power, self._scale, self._shift)
        else:
            self.engine.scale_by(self._power * self._scale, top[0].diff, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Power]
