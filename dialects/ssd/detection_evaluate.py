"""DetectionEvaluate: which detections are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np

from ...errors import DataError, NetError
from ...layers import Arity, Array, Blobs, exactly
from ...proto import read_text
from ..boxes import overlaps
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import ANNOTATIONS, LAYERS

PADDED = 3
"""The number of FIT_LARGE_SIZE_AND_PAD."""


class DetectionEvaluate(ForkLayer):
    """For each detection, whether it found an object; from these rows the average precision is computed.

    Detections of an image and label go by falling score. One that overlaps an object of its label by
    ``overlap_threshold`` or more is right (tp 1) the first time, and wrong (fp 1) after that; with an object that is
    difficult and does not count it is neither; all others are wrong.

    Bottoms: the detections, 1 × 1 × any × 7: image, label, score, xmin, ymin, xmax, ymax, with label −1 where there is
    none (DetectionOutput's top); the objects, 1 × 1 × any × 8 (AnnotatedData's label). Neither gets a gradient.
    Top: 1 × 1 × (classes without background + detections) × 5: for each class (−1, label, number of its objects that
    count, −1, −1), then for each detection (image, label, score, tp, fp), by image and label. The number of rows
    changes from batch to batch; the solver's averages over batches say nothing about it, see
    ``cortado.dialects.ssd.average_precision``.

    Parameters, in ``detection_evaluate_param``: ``num_classes`` (required), with background; ``background_label_id``
    (0); ``overlap_threshold`` (0.5); ``evaluate_difficult_gt`` (true); ``name_size_file`` (none), lines ``name height
    width`` of the images in order: boxes are then compared in whole pixels of these sizes; ``resize_param``, how the
    images had been resized (WARP; FIT_LARGE_SIZE_AND_PAD).
    Errors: ParameterError; ShapeError; FileError and DataError of the file.

    Example::

        layer {
          name: "detection_eval" type: "DetectionEvaluate" bottom: "detection_out" bottom: "label" top: "detection_eval"
          include { phase: TEST }
          detection_evaluate_param { num_classes: 21 evaluate_difficult_gt: false }
        }

    Source: SSD's DetectionEvaluate layer (Liu et al., 2016).
    """

    type: ClassVar[str] = "DetectionEvaluate"
    param_field: ClassVar[str | None] = "detection_evaluate_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS)
    bottoms: ClassVar[Arity] = exactly(2)
    tops: ClassVar[Arity] = exactly(1)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0, 1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param
        if param.num_classes < 1:
            self.fail("num_classes must be given", "num_classes")
        if param.overlap_threshold <= 0:
            self.fail("overlap_threshold must be greater than 0", "overlap_threshold", got=param.overlap_threshold)
        self.labels = [label for label in range(param.num_classes) if label != param.background_label_id]
        self.sizes = self._read_sizes(param.name_size_file) if param.name_size_file else []
        self.images = 0

    def _read_sizes(self, name: str) -> list[tuple[int, int]]:
        path, sizes = self.context.resolve(name), []
        for number, line in enumerate(read_text(path).splitlines(), 1):
            words = line.split()
            if words and (len(words) != 3 or not all(word.isdigit() and int(word) for word in words[1:])):
                raise DataError("each line must be: name height width", where=f"{path}:{number}", got=line[:60])
            if words:
                sizes.append((int(words[1]), int(words[2])))
        return sizes

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob, width in zip(bottom, (7, 8), strict=True):
            if not blob.num_axes or blob.shape[-1] != width or blob.count != blob.shape[-2] * width:
                self.fail_shape(f"there must be rows of {width} numbers, 1 x 1 x any x {width}", blob)
        top[0].reshape((1, 1, len(self.labels) + bottom[0].count // 7, 5))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        found, objects = bottom[0].data.reshape(-1, 7), bottom[1].data.reshape(-1, 8)
        found, objects = found[(found[:, 0] >= 0) & (found[:, 1] >= 0)], objects[objects[:, 0] >= 0]
        for index, rows in enumerate((found, objects)):
            if (rows[:, 1] == self.param.background_label_id).any():
                background = self.param.background_label_id
                self.fail("nothing may have the label of the background", "bottom", index, got=background)
        counted = objects if self.param.evaluate_difficult_gt else objects[objects[:, 7] == 0]
        heads = [(-1, label, (counted[:, 1] == label).sum(), -1, -1) for label in self.labels]
        rows = np.array([*heads, *self._judged(found, objects)], self.dtype)
        top[0].reshape((1, 1, *rows.shape))
        top[0].data[0, 0] = rows

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> NoReturn:
        self.fail(
            "DetectionEvaluate has no backward pass",
            error=NetError,
            hint="let it be in tests only: include { phase: TEST }",
        )

    def _judged(self, found: Array, objects: Array) -> Iterator[tuple[float, ...]]:
        """The rows of all detections."""
        for image in np.unique(found[:, 0]):
            of_image = found[found[:, 0] == image]
            size = self.sizes[self.images % len(self.sizes)] if self.sizes else None
            self.images += 1
            for label in np.unique(of_image[:, 1]):
                rows = of_image[of_image[:, 1] == label]
                truth = objects[(objects[:, 0] == image) & (objects[:, 1] == label)]
                if len(truth):
                    rows = rows[np.argsort(-rows[:, 2], kind="stable")]
                for row, (right, wrong) in zip(rows, self._compare(rows, truth, size), strict=True):
                    yield image, label, row[2], right, wrong

    def _compare(self, rows: Array, truth: Array, size: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
        """For each of *rows*: tp and fp."""
        if not len(truth):
            yield from [(0, 1)] * len(rows)
            return
        boxes, there = (self._in_image(b, size) for b in (rows[:, 3:7], truth[:, 3:7]))
        overlap = overlaps(boxes, there, 0.0 if size is None else 1.0)
        seen: set[int] = set()
        for one, best in zip(overlap, overlap.argmax(1), strict=True):
            if one[best] < self.param.overlap_threshold:
                yield 0, 1
            elif not self.param.evaluate_difficult_gt and truth[best, 7]:
                yield 0, 0
            else:
                yield (0, 1) if best in seen else (1, 0)
                seen.add(int(best))

    def _in_image(self, boxes: Array, size: tuple[int, int] | None) -> Array:
        """*boxes* in pixels of an image of *size*."""
        if size is None:
            return boxes
        height, width = size
        resize: Any = self.param.resize_param
        if self.param.HasField("resize_param") and resize.resize_mode == PADDED:
            aspect, wanted = width / height, resize.width / resize.height
            share = np.array([1, wanted / aspect] if aspect > wanted else [aspect / wanted, 1.0])
            boxes = (boxes - np.tile((1 - share) / 2, 2)) / np.tile(share, 2)
        return np.asarray(np.clip(boxes, 0, 1) * (width, height, width, height))
