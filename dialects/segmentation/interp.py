"""Interp: an image at another size, corner to corner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Arity, Array, Blob, Blobs, between
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import DEEPLAB, DEEPLAB2, INTERP


class Interp(ForkLayer):
    """Resizes images by bilinear interpolation, so that corner pixels stay corner pixels.

    Forward ``y = A x Bᵀ`` for each plane: row i of the top lies at row ``i · (H - 1) / (H' - 1)`` of the bottom, and is
    the mean of its two neighbours weighted by nearness (A holds the weights), columns alike (B).
    Backward ``dx = Aᵀ dy B``.

    Bottoms: N × C × H × W; if there is a second one, N × C × H' × W', its size is the top's (no gradient). Top: N × C ×
    H' × W'.

    Parameters, in ``interp_param``: ``pad_beg``, ``pad_end`` (0, not above): rows and columns cut off first, at the
    top and left, bottom and right. Then H' is ``(H - 1) / shrink_factor + 1`` where that is given, and after that, or
    alone, ``H + (H - 1) · (zoom_factor - 1)``; or ``height`` and ``width``.
    Errors: ParameterError; ShapeError.

    Example::

        layer { name: "up" type: "Interp" bottom: "conv6" top: "up" interp_param { zoom_factor: 8 } }

    Source: DeepLab's Interp layer (Chen et al., "DeepLab", 2016).
    """

    type: ClassVar[str] = "Interp"
    param_field: ClassVar[str | None] = "interp_param"
    tables: ClassVar[Sequence[Table]] = (INTERP, DEEPLAB, DEEPLAB2)
    bottoms: ClassVar[Arity] = between(1, 2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        for name, least in (("pad_beg", None), ("pad_end", None), ("zoom_factor", 1), ("shrink_factor", 1)):
            value = getattr(self.param, name)
            if value > 0 if least is None else value < least:
                rule = f"{name} must not be above 0: it crops" if least is None else f"{name} must be at least {least}"
                self.fail(rule, name, got=value)
        self.half = Blob(dtype=self.dtype, name=f"{self.name} rows")
        self.weights: tuple[Array, Array] = (np.empty((0, 0)), np.empty((0, 0)))
        self.made: tuple[int, ...] = ()

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].num_axes != 4:
            self.fail_shape("the bottom must have 4 axes (number, channels, height, width)", bottom[0])
        cut = self.param.pad_beg + self.param.pad_end
        sizes = tuple(size + cut for size in bottom[0].shape[2:])
        wanted = bottom[1].shape[2:] if len(bottom) == 2 else tuple(self._wanted(i, s) for i, s in enumerate(sizes))
        if min(sizes) < 1 or min(wanted) < 1:
            self.fail_shape(f"both sizes must be at least 1, of what is left and of the top ({wanted})", bottom[0])
        if self.made != (*sizes, *wanted):
            rows, columns = (_weights(n, m).astype(self.dtype) for n, m in zip(sizes, wanted, strict=True))
            self.weights, self.made = (rows, columns), (*sizes, *wanted)
        self.half.reshape((*bottom[0].shape[:2], wanted[0], sizes[1]))
        top[0].reshape((*bottom[0].shape[:2], *wanted))

    def _wanted(self, axis: int, size: int) -> int:
        param = self.param
        shrinks, zooms = param.HasField("shrink_factor"), param.HasField("zoom_factor")
        if not shrinks and not zooms:
            name = ("height", "width")[axis]
            if getattr(param, name) < 1:
                self.fail("height and width, zoom_factor, shrink_factor or a second bottom must give the size", name)
            return int(getattr(param, name))
        if shrinks:
            size = (size - 1) // param.shrink_factor + 1
        return int(size + (size - 1) * (param.zoom_factor - 1)) if zooms else size

    def _cut(self, x: Array) -> Array:
        begin, end = -self.param.pad_beg, self.param.pad_end
        return x[:, :, begin : x.shape[2] + end, begin : x.shape[3] + end]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, (rows, columns) = self.engine.xp, self.weights
        xp.matmul(rows, self._cut(bottom[0].data), out=self.half.data)
        xp.matmul(self.half.data, columns.T, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, (rows, columns) = self.engine.xp, self.weights
        bottom[0].diff.fill(0)
        xp.matmul(top[0].diff, columns, out=self.half.diff)
        self._cut(bottom[0].diff)[...] = xp.matmul(rows.T, self.half.diff)


def _weights(size: int, wanted: int) -> Array:
    """How much each of *size* pixels counts for each of *wanted*: (wanted, size)."""
    place = np.arange(wanted) * ((size - 1) / (wanted - 1) if wanted > 1 else 0.0)
    before = np.minimum(place.astype(np.intp), size - 1)
    after = np.minimum(before + 1, size - 1)
    weights = np.zeros((wanted, size))
    row = np.arange(wanted)
    weights[row, before] = 1 - (place - before)
    weights[row, after] += place - before
    return weights
