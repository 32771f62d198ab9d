"""PriorBox: the boxes that detections are told from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Arity, Array, Blob, Blobs, exactly
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import ANNOTATIONS, LAYERS

SAME = 1e-6
"""Aspect ratios closer than this are one."""


class PriorBoxBase(ForkLayer):
    """What PriorBox and PriorBoxClustered share: a grid of boxes with variances, made once for each size of the image.

    A subclass says how large the boxes of one cell are in ``box_sizes``, in pixels of the image, and moves their
    centres in ``centres``.
    """

    param_field: ClassVar[str | None] = "prior_box_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS)
    bottoms: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0, 1)

    def box_sizes(self) -> list[tuple[float, float]]:
        """(width, height) of each prior of a cell."""
        raise NotImplementedError

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.sizes = self.box_sizes()
        self.variance = [float(v) for v in self.param.variance] or [0.1]
        if len(self.variance) not in (1, 4):
            rule = "variance must be given once, or four times (x, y, width, height)"
            self.fail(rule, "variance", got=f"{len(self.variance)} times")
        for index, value in enumerate(self.variance):
            if value <= 0:
                self.fail("variance must be greater than 0", "variance", index, got=value)
        self.image = self._pair("img_size", "img_h", "img_w")
        self.step = self._pair("step", "step_h", "step_w")
        self.boxes = Blob(dtype=self.dtype, name=f"{self.name} boxes")
        self.made: tuple[tuple[int, ...], ...] = ()

    def _pair(self, both: str, high: str, wide: str) -> tuple[float, float]:
        """(height, width) from one field for both or from one each; 0 is taken from the bottoms."""
        given = [name for name in (high, wide) if self.param.HasField(name)]
        if given and self.param.HasField(both):
            self.fail(f"{both} and {high}, {wide} must not both be given", given[0])
        for name in (both, *given):
            if self.param.HasField(name) and getattr(self.param, name) <= 0:
                self.fail(f"{name} must be greater than 0", name, got=getattr(self.param, name))
        if self.param.HasField(both):
            return getattr(self.param, both), getattr(self.param, both)
        return getattr(self.param, high), getattr(self.param, wide)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in bottom:
            if blob.num_axes != 4:
                self.fail_shape("both bottoms must have 4 axes (number, channels, height, width)", *bottom)
        height, width = bottom[0].shape[2:]
        top[0].reshape((1, 2, height * width * len(self.sizes) * 4))
        self.boxes.reshape_like(top[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        there = (bottom[0].shape[2:], bottom[1].shape[2:])
        if self.made != there:
            self._fill(bottom)
            self.made = there
        self.engine.copy(self.boxes.data, top[0].data)

    def _fill(self, bottom: Blobs) -> None:
        (height, width), image = bottom[0].shape[2:], bottom[1].shape[2:]
        img_h, img_w = (given or size for given, size in zip(self.image, image, strict=True))
        step_h, step_w = self.step
        step_h, step_w = step_h or img_h / height, step_w or img_w / width
        x, y = self.centres((np.arange(width), np.arange(height)), (step_w, step_h))
        half = np.array(self.sizes) / 2
        boxes = np.empty((height, width, len(self.sizes), 4))
        boxes[..., 0], boxes[..., 2] = x[None] - half[:, 0], x[None] + half[:, 0]
        boxes[..., 1], boxes[..., 3] = y[:, None] - half[:, 1], y[:, None] + half[:, 1]
        boxes /= (img_w, img_h, img_w, img_h)
        if self.param.clip:
            np.clip(boxes, 0, 1, out=boxes)
        self.boxes.data[0, 0] = boxes.reshape(-1)
        self.boxes.data[0, 1].reshape(-1, 4)[...] = self.variance

    def centres(self, cells: tuple[Array, Array], step: tuple[float, float]) -> tuple[Array, Array]:
        """x (width, priors or 1) and y (height, priors or 1) of the boxes' centres, in pixels."""
        offset = self.param.offset
        return (cells[0][:, None] + offset) * step[0], (cells[1][:, None] + offset) * step[1]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing: the boxes depend on shapes only."""


class PriorBox(PriorBoxBase):
    """Boxes of several sizes and shapes around every place of a feature map, to be told from by detections.

    For cell (i, j) the centre is ``((j + offset) · step_w, (i + offset) · step_h)`` in pixels of the image. Around it
    stand, for each ``min_size`` m: a square of m; a square of ``sqrt(m · max_size)``, if there are max sizes; and for
    each aspect ratio r other than 1 a box ``m · sqrt(r)`` wide and ``m / sqrt(r)`` high. m and the max sizes lose
    their fractions, as in SSD. No backward: the boxes depend on shapes only.

    Bottoms: the feature map, N × C × H × W; the image, N × C × H × W, for its size. Top: 1 × 2 × (H · W · priors · 4):
    the boxes, xmin, ymin, xmax, ymax in units of the image, and below them their variances.

    Parameters, in ``prior_box_param``: ``min_size`` (required, several); ``max_size`` (as many, or none);
    ``aspect_ratio`` (several; 1 is always there); ``flip`` (true), 1/r for each r too; ``clip`` (false), to [0, 1];
    ``variance`` (0.1; once or four times); ``img_size``, or ``img_h`` and ``img_w`` (those of the second bottom);
    ``step``, or ``step_h`` and ``step_w`` (image / feature map); ``offset`` (0.5); of TextBoxes ``offset_h`` and
    ``offset_w`` (as often as each other), further centres in each cell.
    Errors: ParameterError for values outside these rules; ShapeError for bottoms without 4 axes.

    Example::

        layer {
          name: "priors" type: "PriorBox" bottom: "fc7" bottom: "data" top: "priors"
          prior_box_param { min_size: 60 max_size: 114 aspect_ratio: 2 variance: 0.1 variance: 0.1 variance: 0.2
                            variance: 0.2 }
        }

    Source: SSD's PriorBox layer (Liu et al., 2016); Liao et al., "TextBoxes", 2016.
    """

    type: ClassVar[str] = "PriorBox"
    without: ClassVar[Sequence[str]] = ("width", "height")

    def box_sizes(self) -> list[tuple[float, float]]:
        least, most = self._sizes("min_size"), self._sizes("max_size")
        if not least:
            self.fail("min_size must be given")
        if most and len(most) != len(least):
            self.fail("max_size must be given once per min_size, or not at all", "max_size", got=len(most))
        ratios = self._ratios()
        found: list[tuple[float, float]] = []
        for index, small in enumerate(least):
            found.append((small, small))
            if most:
                if most[index] <= small:
                    self.fail(f"max_size must be greater than min_size ({small})", "max_size", index, got=most[index])
                found.append((math.sqrt(small * most[index]),) * 2)
            found += [(small * math.sqrt(r), small / math.sqrt(r)) for r in ratios if abs(r - 1) >= SAME]
        return found * max(1, len(self._offsets))

    def _sizes(self, name: str) -> list[int]:
        for index, size in enumerate(getattr(self.param, name)):
            if size <= 0:
                self.fail(f"{name} must be greater than 0", name, index, got=size)
        return [int(size) for size in getattr(self.param, name)]

    def _ratios(self) -> list[float]:
        ratios = [1.0]
        for index, ratio in enumerate(self.param.aspect_ratio):
            if ratio <= 0:
                self.fail("aspect_ratio must be greater than 0", "aspect_ratio", index, got=ratio)
            if all(abs(ratio - other) >= SAME for other in ratios):
                ratios += [ratio, 1 / ratio] if self.param.flip else [ratio]
        return ratios

    @property
    def _offsets(self) -> list[tuple[float, float]]:
        """The further centres (x, y) of TextBoxes, in units of a cell."""
        if "offset_h" not in self.param.DESCRIPTOR.fields_by_name:
            return []
        high, wide = list(self.param.offset_h), list(self.param.offset_w)
        if len(high) != len(wide):
            self.fail("offset_h and offset_w must be given equally often", "offset_h", got=f"{len(high)}, {len(wide)}")
        return list(zip(wide, high, strict=True))

    def centres(self, cells: tuple[Array, Array], step: tuple[float, float]) -> tuple[Array, Array]:
        if not self._offsets:
            return super().centres(cells, step)
        offsets = np.repeat(np.array(self._offsets), len(self.sizes) // len(self._offsets), axis=0)
        return (cells[0][:, None] + offsets[:, 0]) * step[0], (cells[1][:, None] + offsets[:, 1]) * step[1]
