"""Yolov3DetectionOutput: the boxes of YOLO v3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

import numpy as np

from ...errors import NetError
from ...layers import Arity, Array, Blob, Blobs, at_least
from ..fork_layer import ForkLayer
from ..ssd.tables import ANNOTATIONS, LAYERS, TRANSFORM
from ..table import Table
from .grid import check_grid, corners, read_grid, sigmoid, write_detections
from .tables import DARKNET, MOBILENET_YOLO


class Yolov3DetectionOutput(ForkLayer):
    """Reads boxes off the feature maps of YOLO v3, and leaves those that do not overlap better ones.

    In cell (i, j) of map t of H × W, box k with the numbers (x, y, w, h, o, scores…): centre ``((j + σ(x)) / W, (i +
    σ(y)) / H)``, size ``(exp(w) · a / (W · scale_t), exp(h) · b / (H · scale_t))`` with its anchor (a, b) in pixels. It
    is a candidate for each class with the confidence ``σ(o) · σ(score)``, where that is above
    ``confidence_threshold``. Candidates go by falling confidence; one that overlaps a kept one by ``nms_threshold`` or
    more is dropped, whatever its class. No backward.

    Bottoms: ``mask_group_num`` maps, N × num_box · (5 + num_classes) × H × W. Top: 1 × 1 × detections × 7: image, class
    + 1, confidence, xmin, ymin, xmax, ymax; where no image has one, a row for each with its number and six times -1.
    (MobileNet-YOLO takes all images of a batch for image 0.)

    Parameters, in ``yolov3_detection_output_param``: ``num_classes`` (20); ``num_box`` (3), boxes of a cell;
    ``confidence_threshold`` (0.01); ``nms_threshold`` (0.45); ``biases``, all anchors, width and height by turns;
    ``mask``, which of them each map uses, ``num_box`` for each; ``anchors_scale``, pixels of a cell, one for each map;
    ``mask_group_num`` (2).
    Errors: ParameterError; ShapeError for another number of channels.

    Example::

        layer {
          name: "detection_out" type: "Yolov3DetectionOutput" bottom: "conv19" bottom: "conv20" top: "detection_out"
          yolov3_detection_output_param {
            num_box: 1 biases: 10 biases: 14 biases: 81 biases: 82 mask: 1 mask: 0 anchors_scale: 32 anchors_scale: 16
          }
        }

    Source: MobileNet-YOLO's layer; Redmon and Farhadi, "YOLOv3: An Incremental Improvement", 2018.
    """

    type: ClassVar[str] = "Yolov3DetectionOutput"
    param_field: ClassVar[str | None] = "yolov3_detection_output_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS, TRANSFORM, DARKNET, MOBILENET_YOLO)
    bottoms: ClassVar[Arity] = at_least(1)
    no_gradient_to: ClassVar[tuple[int, ...]] = tuple(range(8))

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param, maps = self.param, len(bottom)
        if param.mask_group_num != maps:
            rule = f"mask_group_num must be the number of bottoms ({maps})"
            self.fail(rule, "mask_group_num", got=param.mask_group_num)
        if len(param.mask) != maps * param.num_box:
            rule = f"mask must be given for each of {param.num_box} boxes of {maps} maps"
            self.fail(rule, "mask", got=f"{len(param.mask)} times")
        if len(param.anchors_scale) != maps:
            rule = f"anchors_scale must be given for each of {maps} maps"
            self.fail(rule, "anchors_scale", got=f"{len(param.anchors_scale)} times")
        pairs = len(param.biases) // 2
        for index, number in enumerate(param.mask):
            if number >= pairs:
                self.fail(f"mask must name anchors, of which biases gives {pairs}", "mask", index, got=number)
        anchors = np.array(param.biases)[: 2 * pairs].reshape(-1, 2)
        self.anchors = anchors[np.array(param.mask, np.intp)].reshape(maps, -1, 2)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in bottom:
            check_grid(self, blob, self.param.num_box, self.param.num_classes)
        top[0].reshape((1, 1, 1, 7))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        maps = [self._candidates(index, blob) for index, blob in enumerate(bottom)]
        found = [np.concatenate(of_image) for of_image in zip(*maps, strict=True)]
        write_detections(found, self.param.nms_threshold, top)

    def _candidates(self, index: int, blob: Blob) -> list[Array]:
        """The candidates of one map, for each image: by cell, then box, then class."""
        height, width = blob.shape[2:]
        scale = self.param.anchors_scale[index]
        grid = read_grid(blob.data, self.anchors[index], (width * scale, height * scale))
        confidence = np.moveaxis(grid.objects[:, :, None] * sigmoid(grid.scores), (1, 2), (-2, -1))
        boxes = np.moveaxis(corners(grid.boxes), 1, 3)
        rows = []
        for image, confident in enumerate(confidence > self.param.confidence_threshold):
            at = np.nonzero(confident)
            rows.append(np.column_stack([at[3], confidence[image][at], boxes[image][at[:3]]]))
        return rows

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> NoReturn:
        self.fail("Yolov3DetectionOutput has no backward pass", error=NetError, hint="train with Yolov3")
