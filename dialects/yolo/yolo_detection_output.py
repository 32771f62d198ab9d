"""YoloDetectionOutput: the boxes of YOLO v2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

import numpy as np

from ...errors import NetError
from ...layers import Blobs
from ..fork_layer import ForkLayer
from ..ssd.tables import ANNOTATIONS, LAYERS, TRANSFORM
from ..table import Table
from .grid import check_grid, corners, read_grid, write_detections
from .tables import DARKNET, MOBILENET_YOLO


class YoloDetectionOutput(ForkLayer):
    """Reads boxes off the feature map of YOLO v2, and leaves those that do not overlap better ones.

    In cell (i, j) of a map of H × W, box k with the numbers (x, y, w, h, o, scores…): centre ``((j + σ(x)) / W, (i +
    σ(y)) / H)``, size ``(exp(w) · a_k / W, exp(h) · b_k / H)`` with its anchor (a, b), class the one with the largest
    score, confidence ``σ(o) · softmax(scores)`` of that class. Boxes with at least ``confidence_threshold`` go by
    falling confidence; one that overlaps a kept one by ``nms_threshold`` or more is dropped, whatever its class. No
    backward.

    Bottom: N × num_box · (5 + num_classes) × H × W. Top: 1 × 1 × detections × 7: image, class + 1, confidence, xmin,
    ymin, xmax, ymax; where no image has one, a row for each with its number and six times -1.

    Parameters, in ``yolo_detection_output_param``: ``num_classes`` (20); ``num_box`` (5); ``coords`` (4, nothing else);
    ``confidence_threshold`` (0.01); ``nms_threshold`` (0.45); ``biases``, the anchors in cells, twice ``num_box``;
    ``side`` and ``label_map_file`` are read and do nothing.
    Errors: ParameterError; ShapeError for another number of channels.

    Example::

        layer {
          name: "detection_out" type: "YoloDetectionOutput" bottom: "conv22" top: "detection_out"
          yolo_detection_output_param { num_box: 1 biases: 1.08 biases: 1.19 }
        }

    Source: MobileNet-YOLO's layer; Redmon and Farhadi, "YOLO9000", 2016.
    """

    type: ClassVar[str] = "YoloDetectionOutput"
    param_field: ClassVar[str | None] = "yolo_detection_output_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS, TRANSFORM, DARKNET, MOBILENET_YOLO)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.coords != 4:
            self.fail("coords must be 4", "coords", got=self.param.coords)
        if len(self.param.biases) != 2 * self.param.num_box:
            rule = f"biases must be given twice for each of {self.param.num_box} boxes"
            self.fail(rule, "biases", got=f"{len(self.param.biases)} times")
        self.anchors = np.array(self.param.biases).reshape(-1, 2)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        check_grid(self, bottom[0], self.param.num_box, self.param.num_classes)
        top[0].reshape((1, 1, 1, 7))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        height, width = bottom[0].shape[2:]
        grid = read_grid(bottom[0].data, self.anchors, (width, height))
        raised = np.exp(grid.scores - grid.scores.max(2, keepdims=True))
        label = grid.scores.argmax(2)
        confidence = grid.objects * raised.max(2) / raised.sum(2)
        rows = np.concatenate([label[..., None], confidence[..., None], corners(grid.boxes)], -1)
        found = [image[image[..., 1] >= self.param.confidence_threshold] for image in rows]
        write_detections(found, self.param.nms_threshold, top)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> NoReturn:
        self.fail(
            "YoloDetectionOutput has no backward pass",
            error=NetError,
            hint="let it be in tests only: include { phase: TEST }",
        )
