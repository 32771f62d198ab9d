"""ROIPooling: a feature map of fixed size out of any region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Arity, Array, Blob, Blobs, exactly
from ..fork_layer import ForkLayer
from ..table import Table
from .regions import check_regions, read_regions
from .tables import FAST_RCNN


class ROIPooling(ForkLayer):
    """Cuts a region out of a feature map and makes it ``pooled_h`` by ``pooled_w`` by taking maxima.

    A region's corners are multiplied by ``spatial_scale`` and rounded; it is ``x2 - x1 + 1`` wide and as high, at least
    one pixel. Forward: output (i, j) is the maximum over rows ``floor(i · h / pooled_h)`` to ``ceil((i + 1) · h /
    pooled_h) - 1`` from its top, columns alike, as far as they lie on the map; 0 where none does.
    Backward: dy goes to the first pixel, in row-major order, that held the maximum; regions add up.

    Bottoms: features, N × C × H × W; regions, R rows of (image, x1, y1, x2, y2) in pixels of the image, which get no
    gradient. Top: R × C × pooled_h × pooled_w.

    Parameters, in ``roi_pooling_param``: ``pooled_h`` and ``pooled_w`` (required); ``spatial_scale`` (1), the size of
    the feature map in units of the image's.
    Errors: ParameterError; ShapeError; DataError for a region of an image that is not there.

    Example::

        layer {
          name: "roi_pool5" type: "ROIPooling" bottom: "conv5" bottom: "rois" top: "pool5"
          roi_pooling_param { pooled_h: 7 pooled_w: 7 spatial_scale: 0.0625 }
        }

    Source: Girshick, "Fast R-CNN", 2015.
    """

    type: ClassVar[str] = "ROIPooling"
    param_field: ClassVar[str | None] = "roi_pooling_param"
    tables: ClassVar[Sequence[Table]] = (FAST_RCNN,)
    bottoms: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        for name in ("pooled_h", "pooled_w"):
            if getattr(self.param, name) < 1:
                self.fail(f"{name} must be at least 1", name, got=getattr(self.param, name))
        self.pooled = (int(self.param.pooled_h), int(self.param.pooled_w))
        self.origin = Blob(dtype=np.int64, name=f"{self.name} origins")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        check_regions(self, bottom)
        top[0].reshape((bottom[1].shape[0], bottom[0].shape[1], *self.pooled))
        self.origin.reshape_like(top[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        features, y, origin = bottom[0].data, top[0].data, self.origin.data
        regions = read_regions(self, bottom)
        height, width = features.shape[2:]
        for index, region in enumerate(regions):
            corners = _rounded(region[1:] * self.param.spatial_scale)
            rows, some_rows = _bins(corners[1], corners[3], self.pooled[0], height)
            columns, some_columns = _bins(corners[0], corners[2], self.pooled[1], width)
            places = rows[:, None, :, None] * width + columns[None, :, None, :]
            places = places.reshape(*self.pooled, -1)
            values = features[int(region[0])].reshape(-1, height * width)[:, places]
            best = values.argmax(-1)[..., None]
            there = some_rows[:, None] & some_columns
            y[index] = np.where(there, np.take_along_axis(values, best, -1)[..., 0], 0)
            held = np.take_along_axis(np.broadcast_to(places, values.shape), best, -1)[..., 0]
            origin[index] = np.where(there, held, -1)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dx, origin = bottom[0].diff, self.origin.data
        dx.fill(0)
        flat = dx.reshape(*dx.shape[:2], dx.shape[2] * dx.shape[3])
        channel = np.arange(dx.shape[1])[:, None, None]
        for index, region in enumerate(bottom[1].data.reshape(-1, 5)):
            there = origin[index] >= 0
            place = np.broadcast_to(channel, there.shape)[there], origin[index][there]
            np.add.at(flat[int(region[0])], place, top[0].diff[index][there])


def _rounded(values: Array) -> Array:
    """To the nearest whole number, halves away from zero."""
    whole: Array = (np.sign(values) * np.floor(np.abs(values) + 0.5)).astype(np.int64)
    return whole


def _bins(first: int, last: int, count: int, size: int) -> tuple[Array, Array]:
    """The places along one axis of each of *count* bins over *first* … *last*, (count, longest), the last one repeated
    in shorter bins; and which bins have any."""
    # in single precision, as there: it decides which way an edge falls that is a whole number but for rounding
    edges = np.arange(count + 1, dtype=np.float32) * (np.float32(max(last - first + 1, 1)) / np.float32(count))
    begin = np.clip(np.floor(edges[:-1]).astype(np.int64) + first, 0, size)
    end = np.clip(np.ceil(edges[1:]).astype(np.int64) + first, 0, size)
    longest = max(1, int((end - begin).max()))
    places = np.minimum(begin[:, None] + np.arange(longest), np.maximum(end - 1, begin)[:, None])
    return np.minimum(places, size - 1), end > begin
