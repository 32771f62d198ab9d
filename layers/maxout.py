"""Maxout: the greatest of a group of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..plugins import Int, Parameters, ParametersClass, hookimpl
from .blob import Blob
from .layer import Blobs, Layer, product


class MaxoutParameter(Parameters, field="maxout_param", number=5303):
    pieces = Int(1, default=2, minimum=1, doc="how many neighbouring channels make one output")


class Maxout(Layer):
    """An activation that is learned by the layer before it: the maximum of several linear pieces.

    Forward ``y[c] = max x[pieces · c + i]`` over i from 0 to pieces - 1, c being the channel, at each place.
    Backward ``dx[pieces · c + i] = dy[c]`` for the i that had the maximum, the first one of equals; 0 for the others.

    Bottom: 2 or more axes, (num, channels, …), with a multiple of pieces as channels. Top: the same, with that many
    times fewer channels. Parameters, in ``maxout_param``: ``pieces`` (2).
    Errors: ShapeError for other bottoms.

    Example::

        layer { name: "max1" type: "Maxout" bottom: "ip1" top: "max1" maxout_param { pieces: 2 } }

    Source: Goodfellow et al., "Maxout Networks", 2013.
    """

    type: ClassVar[str] = "Maxout"
    parameters: ClassVar[ParametersClass | None] = MaxoutParameter

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._winner = Blob((0,), np.int32, f"{self.name} winners")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        shape, pieces = bottom[0].shape, self.param.pieces
        if len(shape) < 2 or shape[1] % pieces:
            self.fail_shape(f"the bottom must have axes (num, channels, ...) with a multiple of {pieces} channels",
                            bottom[0])  # fmt: skip
        groups = shape[1] // pieces
        self._view = (shape[0], groups, pieces, product(shape[2:]))
        top[0].reshape((shape[0], groups, *shape[2:]))
        self._winner.reshape((shape[0], groups, product(shape[2:])))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, x, winner = self.engine.xp, bottom[0].data.reshape(self._view), self._winner.data
        best, higher = top[0].data.reshape(winner.shape), self.engine.scratch("layer mask", winner.shape, np.bool_)
        xp.copyto(best, x[:, :, 0])
        winner.fill(0)
        for piece in range(1, self._view[2]):
            xp.greater(x[:, :, piece], best, out=higher)
            xp.copyto(best, x[:, :, piece], where=higher)
            xp.copyto(winner, piece, where=higher)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, dx, winner = self.engine.xp, bottom[0].diff.reshape(self._view), self._winner.data
        dy = top[0].diff.reshape(winner.shape)
        for piece in range(self._view[2]):
            xp.equal(winner, piece, out=dx[:, :, piece])
            xp.multiply(dx[:, :, piece], dy, out=dx[:, :, piece])


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Maxout]
