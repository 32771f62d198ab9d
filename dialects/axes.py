"""The base of layers that put the axes of a blob in another order."""

from __future__ import annotations

from collections.abc import Sequence

from ..layers import Blobs
from .fork_layer import ForkLayer


class AxesLayer(ForkLayer):
    """Top axis i is bottom axis ``order[i]``, forward and back; ``reshape`` of a subclass says ``put_axes``."""

    def put_axes(self, bottom: Blobs, top: Blobs, order: Sequence[int]) -> None:
        """Shape the top, for an *order* that names each axis of the bottom once."""
        self.order = tuple(order)
        self.back = tuple(self.order.index(axis) for axis in range(len(self.order)))
        top[0].reshape([bottom[0].shape[axis] for axis in self.order])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.xp.copyto(top[0].data, bottom[0].data.transpose(self.order))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.xp.copyto(bottom[0].diff, top[0].diff.transpose(self.back))
