"""PSROIPooling: each part of a region from a map of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Arity, Array, Blobs, exactly
from ..fork_layer import ForkLayer
from ..table import Table
from .regions import check_regions, read_regions
from .tables import FAST_RCNN, RFCN


class PSROIPooling(ForkLayer):
    """Cuts a region out of score maps: each of its k × k parts is the mean of that part in a map made for that part.

    A region's corners are rounded, x2 and y2 one pixel on, then multiplied by ``spatial_scale``; it is at least 0.1
    wide and high. With k = ``group_size``, output (c, i, j) is the mean of the bottom's channel ``(c · k + i) · k + j``
    over rows ``floor(y + i · h / k)`` to ``ceil(y + (i + 1) · h / k) - 1``, columns alike, as far as they lie on the
    map; 0 where none does. Backward gives dy / area to each of these pixels; regions add up.

    Bottoms: score maps, N × (output_dim · k²) × H × W; regions, R rows of (image, x1, y1, x2, y2) in pixels of the
    image, which get no gradient. Top: R × output_dim × k × k.

    Parameters, in ``psroi_pooling_param``, all required: ``spatial_scale``, the size of the maps in units of the
    image's; ``output_dim``; ``group_size``.
    Errors: ParameterError; ShapeError for another number of channels; DataError for a region of no image.

    Example::

        layer {
          name: "psroi" type: "PSROIPooling" bottom: "rfcn_cls" bottom: "rois" top: "psroi"
          psroi_pooling_param { spatial_scale: 0.0625 output_dim: 21 group_size: 7 }
        }

    Source: Dai et al., "R-FCN: Object Detection via Region-based Fully Convolutional Networks", 2016.
    """

    type: ClassVar[str] = "PSROIPooling"
    param_field: ClassVar[str | None] = "psroi_pooling_param"
    tables: ClassVar[Sequence[Table]] = (FAST_RCNN, RFCN)
    bottoms: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        for name in ("spatial_scale", "output_dim", "group_size"):
            if getattr(self.param, name) <= 0:
                self.fail(f"{name} must be greater than 0", name, got=getattr(self.param, name))
        self.outputs, self.parts = int(self.param.output_dim), int(self.param.group_size)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        check_regions(self, bottom)
        wanted = self.outputs * self.parts**2
        if bottom[0].shape[1] != wanted:
            self.fail_shape(f"there must be output_dim · group_size² = {wanted} channels", bottom[0])
        top[0].reshape((bottom[1].shape[0], self.outputs, self.parts, self.parts))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        regions = read_regions(self, bottom)
        for image in np.unique(regions[:, 0]).astype(np.intp):
            at = np.flatnonzero(regions[:, 0] == image)
            rows, columns, area = self._parts(regions[at], x.shape[2:])
            table = np.zeros((x.shape[1], x.shape[2] + 1, x.shape[3] + 1))
            np.cumsum(np.cumsum(x[image], 1, dtype=np.float64), 2, out=table[:, 1:, 1:])
            table = table.reshape(self.outputs, self.parts, self.parts, *table.shape[1:])
            total = sum(
                sign * table[self._at(rows[..., i, None], columns[:, None, :, j])]
                for i, j, sign in ((1, 1, 1), (0, 1, -1), (1, 0, -1), (0, 0, 1))
            )
            y[at] = np.where(area[:, None] > 0, total / np.maximum(area, 1)[:, None], 0)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dx, dy = bottom[0].diff, top[0].diff
        dx.fill(0)
        regions = read_regions(self, bottom)
        for image in np.unique(regions[:, 0]).astype(np.intp):
            at = np.flatnonzero(regions[:, 0] == image)
            rows, columns, area = self._parts(regions[at], dx.shape[2:])
            each = np.where(area[:, None] > 0, dy[at] / np.maximum(area, 1)[:, None], 0)
            steps = np.zeros((self.outputs, self.parts, self.parts, dx.shape[2] + 1, dx.shape[3] + 1))
            for i, j, sign in ((0, 0, 1), (0, 1, -1), (1, 0, -1), (1, 1, 1)):
                np.add.at(steps, self._at(rows[..., i, None], columns[:, None, :, j]), sign * each)
            sums = np.cumsum(np.cumsum(steps, -2), -1)[..., :-1, :-1]
            dx[image] = sums.reshape(dx.shape[1:])

    def _at(self, rows: Array, columns: Array) -> tuple[Array, ...]:
        """Index of (output, part, part, row, column), for R × parts × parts places: R × outputs × parts × parts."""
        part = np.arange(self.parts)
        output = np.arange(self.outputs)[:, None, None]
        shape = (len(rows), self.parts, self.parts)
        places = (np.broadcast_to(p, shape)[:, None] for p in (rows, columns))
        return (output, part[:, None], part, *places)

    def _parts(self, regions: Array, size: Sequence[int]) -> tuple[Array, Array, Array]:
        """First and last + 1 row and column of each part (R × parts × 2), and its area (R × parts × parts)."""
        scale = float(self.param.spatial_scale)
        corners = np.sign(regions[:, 1:]) * np.floor(np.abs(regions[:, 1:]) + 0.5)
        begin, end = corners[:, :2] * scale, (corners[:, 2:] + 1) * scale
        step = np.maximum(end - begin, 0.1) / self.parts
        # in the precision of the regions, as there: an edge that is a whole number must come out as one
        edges = np.arange(self.parts + 1).astype(step.dtype)
        bounds = []
        for axis in (1, 0):
            first = np.floor(edges[:-1] * step[:, axis, None] + begin[:, axis, None])
            last = np.ceil(edges[1:] * step[:, axis, None] + begin[:, axis, None])
            bounds.append(np.clip(np.stack([first, last], -1), 0, size[1 - axis]).astype(np.intp))
        lengths = [np.maximum(bound[..., 1] - bound[..., 0], 0) for bound in bounds]
        return bounds[0], bounds[1], lengths[0][:, :, None] * lengths[1][:, None, :]
