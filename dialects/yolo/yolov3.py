"""Yolov3: what a detector with a grid learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Array, Blob, Blobs
from ...layers.loss import LossLayer
from ..boxes import overlaps
from ..fork_layer import ForkLayer
from ..ssd.tables import ANNOTATIONS, LAYERS, TRANSFORM
from ..table import Table
from .grid import check_grid, corners, read_grid, sigmoid
from .tables import DARKNET, MOBILENET_YOLO


class Yolov3(ForkLayer, LossLayer):
    """The loss of YOLO v3 for one feature map: each object is learned by the cell that holds its centre, in the box
    whose anchor is most like it.

    For each number of the map there is a difference d between what it says, after a sigmoid for all but w and h, and
    what it should say. For the box of an object (if its anchor is among ``mask``): x, y where its centre lies in the
    cell and w, h the logarithms of its size by the anchor's, times ``coord_scale · (2 - w · h)``; 1 for being an
    object; 1 for its class and 0 for the others, times ``class_scale``. For all other boxes: 0 for being an object,
    unless they overlap some object by more than ``thresh``, when d is 0; for all else d is 0.
    Forward ``loss = 1/N · sum of d²``, as MobileNet-YOLO tells it.
    Backward ``weight / N · d``, which is the gradient not of that but of cross entropies for the sigmoids and half
    squares for w and h; with ``use_logic_gradient`` times the sigmoid's slope, and ``object_scale`` for the objects.

    Bottoms: N × num · (5 + num_class) × H × W; the objects, N × at most any × 5: class, and centre and size in units of
    the image, up to the first of width 0 (no gradient). Top: the loss, without axes.

    Parameters, in ``yolov3_param``: ``num_class`` (20); ``num`` (5), boxes of a cell; ``biases``, all anchors in
    pixels, width and height by turns; ``mask``, which of them this map uses; ``anchors_scale`` (32), pixels of a cell;
    ``object_scale`` (1), ``class_scale`` (1), ``coord_scale`` (5); ``thresh`` (0.2); ``use_logic_gradient`` (false).
    ``side``, ``noobject_scale`` and ``use_focal_loss`` are read and do nothing.
    Errors: ParameterError; ShapeError.

    Example::

        layer {
          name: "loss" type: "Yolov3" bottom: "conv" bottom: "label" top: "loss"
          yolov3_param { num: 1 num_class: 3 biases: 10 biases: 14 mask: 0 thresh: 0.6 coord_scale: 1 }
        }

    Source: MobileNet-YOLO's Yolov3 layer; Redmon and Farhadi, "YOLOv3", 2018. Where two objects meet in one box, the
    second class is learned as the first is; MobileNet-YOLO has the sign wrong there.
    """

    type: ClassVar[str] = "Yolov3"
    param_field: ClassVar[str | None] = "yolov3_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS, TRANSFORM, DARKNET, MOBILENET_YOLO)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param, pairs = self.param, len(self.param.biases) // 2
        if len(param.mask) != param.num:
            self.fail(f"mask must be given for each of {param.num} boxes", "mask", got=f"{len(param.mask)} times")
        for index, number in enumerate(param.mask):
            if number >= pairs:
                self.fail(f"mask must name anchors, of which biases gives {pairs}", "mask", index, got=number)
        self.anchors = np.array(param.biases)[: 2 * pairs].reshape(-1, 2)
        self.mask = list(param.mask)
        self.difference = Blob(dtype=self.dtype, name=f"{self.name} differences")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        check_grid(self, bottom[0], self.param.num, self.param.num_class)
        if bottom[1].count % (5 * max(1, bottom[0].shape[0])):
            self.fail_shape("the objects must be rows of 5 numbers, equally many for each image", bottom[1])
        n, _, height, width = bottom[0].shape
        self.view = (n, self.param.num, 5 + self.param.num_class, height, width)
        self.difference.reshape(self.view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        n, _, _, height, width = self.view
        raw, d = bottom[0].data.reshape(self.view), self.difference.data
        scale = self.param.anchors_scale
        extent = (width * scale, height * scale)
        boxes = corners(read_grid(bottom[0].data, self.anchors[self.mask], extent).boxes)
        said = sigmoid(raw)
        d.fill(0)
        d[:, :, 4] = said[:, :, 4]
        for image, rows in enumerate(bottom[1].data.reshape(n, -1, 5)):
            ends = np.flatnonzero(rows[:, 3] == 0)
            objects = rows[: ends[0]] if len(ends) else rows
            if len(objects):
                best = overlaps(boxes[image].reshape(-1, 4), corners(objects[:, 1:])).max(1)
                d[image, :, 4][best.reshape(boxes.shape[1:4]) > self.param.thresh] = 0
            for one in objects:
                self._learn(d[image], raw[image], said[image], one, extent)
        top[0].data[...] = np.vdot(d, d) / max(1, n)

    def _learn(self, d: Array, raw: Array, said: Array, one: Array, extent: tuple[int, int]) -> None:
        """Write the differences for one object (class, x, y, w, h), if this map has its anchor."""
        height, width = self.view[3:]
        shape = np.concatenate([[0, 0], one[3:] * extent])
        anchors = np.concatenate([np.zeros_like(self.anchors), self.anchors], 1)
        best = int(overlaps(corners(shape[None]), corners(anchors)).argmax())
        if best not in self.mask:
            return
        label, box = int(one[0]), self.mask.index(best)
        if not 0 <= label < self.param.num_class:
            self.fail(f"classes must be from 0 to {self.param.num_class - 1}", "bottom", 1, got=label)
        column, row = min(int(one[1] * width), width - 1), min(int(one[2] * height), height - 1)
        cell = (box, slice(None), row, column)
        target, new, weight = d[cell], said[cell], self.param.coord_scale * (2 - one[3] * one[4])
        target[:2] = weight * (new[:2] - (one[1] * width - column, one[2] * height - row))
        target[2:4] = weight * (raw[cell][2:4] - np.log(one[3:] * extent / self.anchors[best]))
        target[4] = (new[4] - 1) * (self.param.object_scale if self.param.use_logic_gradient else 1)
        if not target[5:].any():
            target[5:] = self.param.class_scale * new[5:]
        target[5 + label] = self.param.class_scale * (new[5 + label] - 1)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        dx = bottom[0].diff.reshape(self.view)
        self.engine.scale_by(float(top[0].diff) / max(1, self.view[0]), self.difference.data, dx)
        if self.param.use_logic_gradient:
            said = sigmoid(bottom[0].data.reshape(self.view))
            slope = said * (1 - said)
            slope[:, :, 2:4] = 1
            dx *= slope
