"""SPP: spatial pyramid pooling, which makes a vector of fixed length from an image of any size."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from ..engines import PoolGeometry
from ..plugins import hookimpl
from .blob import Array, Blob
from .context import LayerContext
from .layer import Blobs, Layer, product

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter

MAX, AVE = range(2)
MAX_HEIGHT = 16


class Level(NamedTuple):
    """One level of the pyramid: its window, what it pooled, where the maxima were, and its columns in the top."""

    geometry: PoolGeometry
    pooled: Blob
    mask: Blob
    columns: slice


class SPP(Layer):
    """Pools each channel into 1, 4, 16, … bins, level by level, and lists all bins.

    Forward: level l, from 0, pools with windows that do not overlap: kernel and stride ``ceil(size / 2^l)`` and padding
    ``floor((2^l · kernel - size + 1) / 2)`` along each axis, as Pooling does;
    ``y = all of level 0, all of level 1, …``.
    Backward: ``dx = sum over levels of`` the gradients that Pooling gives.

    Bottom: (num, channels, height, width). Top: (num, channels · (1 + 4 + … + 4^(pyramid_height - 1))), each level in
    the order channel, row, column; for one level (num, channels, 1, 1).

    Parameters, in ``spp_param``: ``pyramid_height`` (required), the number of levels, such that all paddings are
    smaller than their kernels; ``pool`` (MAX), or AVE (STOCHASTIC is refused, as in Caffe without a GPU); ``engine``
    (DEFAULT) is read and makes no difference.
    Errors: ParameterError for another height or pool; ShapeError for an image that is too small, or without 4 axes.

    Example::

        layer { name: "spp" type: "SPP" bottom: "conv5" top: "spp" spp_param { pyramid_height: 3 } }

    Source: Caffe's SPP layer; He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks", 2014.
    """

    type: ClassVar[str] = "SPP"
    param_field: ClassVar[str | None] = "spp_param"

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._levels: list[Level] = []
        self._part = Blob(dtype=self.dtype, name=f"{self.name} gradient")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param
        if not 1 <= p.pyramid_height <= MAX_HEIGHT:
            self.fail(f"pyramid_height must be from 1 to {MAX_HEIGHT}", "pyramid_height", got=p.pyramid_height)
        if p.pool not in (MAX, AVE):
            hint = "Pooling layers with pool: STOCHASTIC, Flatten and Concat make such a pyramid"
            self.fail("pool must be MAX or AVE", "pool", got="STOCHASTIC", hint=hint)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        if x.num_axes != 4:
            self.fail_shape("the bottom must have the axes (num, channels, height, width)", x)
        self._levels = []
        columns = 0
        for level in range(self.param.pyramid_height):
            geometry = self._geometry(x, 2**level)
            shape = (*x.shape[:2], *geometry.output_size(x.shape[2:]))
            pooled = Blob(shape, self.dtype, f"{self.name} level {level}")
            width = product(shape[1:])
            self._levels.append(Level(geometry, pooled, Blob(shape, np.int32), slice(columns, columns + width)))
            columns += width
        single = len(self._levels) == 1
        top[0].reshape(self._levels[0].pooled.shape if single else (x.shape[0], columns))
        self._part.reshape_like(x)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, self._rows(top[0].data)
        for level in self._levels:
            pooled = level.pooled.data
            if self.param.pool == MAX:
                mask = level.mask.data if self.runs_backward else None
                self.engine.max_pool_forward(x, pooled, mask, level.geometry)
            else:
                self.engine.ave_pool_forward(x, pooled, level.geometry)
            self.engine.copy(self._rows(pooled), y[:, level.columns])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = self._rows(top[0].diff), bottom[0].diff
        for number, level in enumerate(self._levels):
            gradient, part = level.pooled.diff, dx if number == 0 else self._part.data
            self.engine.copy(dy[:, level.columns], self._rows(gradient))
            if self.param.pool == MAX:
                self.engine.max_pool_backward(gradient, level.mask.data, part, level.geometry)
            else:
                self.engine.ave_pool_backward(gradient, part, level.geometry)
            if number:
                self.engine.axpy(1.0, part, dx)

    def _geometry(self, x: Blob, bins: int) -> PoolGeometry:
        sizes = x.shape[2:]
        kernel = tuple(ceil(size / bins) for size in sizes)
        pad = tuple((bins * k - size + 1) // 2 for k, size in zip(kernel, sizes, strict=True))
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            rule = f"the image is too small for {bins} bins along an axis: padding would fill a whole window"
            self.fail_shape(rule, x, hint="a smaller pyramid_height")
        return PoolGeometry(kernel, kernel, pad)

    @staticmethod
    def _rows(array: Array) -> Array:
        """One row per image."""
        return array.reshape(array.shape[0], product(array.shape[1:]))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [SPP]
