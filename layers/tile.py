"""Tile: repeats a blob along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer, product


class Tile(Layer):
    """Copies of the bottom, one after the other along an axis: a b c becomes a b c a b c.

    Forward ``y[..., t · n + i, ...] = x[..., i, ...]`` for each copy t, n being the size of the axis.
    Backward ``dx[i] = sum over t of dy[t · n + i]``.

    Bottom: any shape with that axis. Top: the same, with the axis tiles times as long.

    Parameters, in ``tile_param``: ``axis`` (1), negative ones from the end; ``tiles`` (required), how many copies.
    Errors: ParameterError for tiles below 1; ShapeError for an axis that is not there.

    Example::

        layer { name: "wide" type: "Tile" bottom: "ip1" top: "wide" tile_param { tiles: 3 } }

    Source: Caffe's Tile layer.
    """

    type: ClassVar[str] = "Tile"
    param_field: ClassVar[str | None] = "tile_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.tiles < 1:
            self.fail("tiles must be set, and at least 1", "tiles", got=self.param.tiles)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        shape, tiles = bottom[0].shape, self.param.tiles
        axis = self.axis(bottom[0], self.param.axis, "axis")
        top[0].reshape(*shape[:axis], shape[axis] * tiles, *shape[axis + 1 :])
        self._outer, self._inner = product(shape[:axis]), product(shape[axis:])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data.reshape(self._outer, self._inner)
        y = top[0].data.reshape(self._outer, self.param.tiles, self._inner)
        for tile in range(self.param.tiles):
            self.engine.copy(x, y[:, tile])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            dy = top[0].diff.reshape(self._outer, self.param.tiles, self._inner)
            self.engine.xp.sum(dy, axis=1, out=bottom[0].diff.reshape(self._outer, self._inner))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Tile]
