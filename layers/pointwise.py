"""The base of layers that apply one smooth function: a subclass gives the function and its slope, both of the input."""

from __future__ import annotations

from collections.abc import Sequence

from .blob import Array
from .keeping import KeepingLayer
from .layer import Blobs


class PointwiseLayer(KeepingLayer):
    """Forward ``y = f(x)``, backward ``dx = dy · f'(x)``; in place allowed, at the price of a copy of the bottom.

    Temporary arrays come from ``work``: the engine's memory, the same for all layers, valid for one call.
    """

    def value(self, x: Array, out: Array) -> None:
        """out = f(x); *out* is never x."""
        raise NotImplementedError

    def slope(self, x: Array, out: Array) -> None:
        """out = f'(x); *out* is never x."""
        raise NotImplementedError

    def work(self, slot: str, like: Array) -> Array:
        """A temporary array with the shape and type of *like*, the same memory each time for the same *slot*."""
        return self.engine.like(f"layer {slot}", like)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = self.keep(bottom, top), top[0].data
        with self.engine.xp.errstate(all="ignore"):
            self.value(x, y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            x, dy = self.kept(bottom, top), top[0].diff
            slope = self.work("slope", x)
            with self.engine.xp.errstate(all="ignore"):
                self.slope(x, slope)
            self.engine.multiply(dy, slope, bottom[0].diff)
