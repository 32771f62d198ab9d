"""Layers of detectors: prior boxes, regions, and the list of detections."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...plugins import hookimpl
from ..graph import LayerExport

CENTER_SIZE = 2


def of_shapes(export: LayerExport) -> None:
    """A layer whose top depends on shapes alone: prior boxes."""
    export.layer.forward(export.bottom, export.top)
    export.op("Identity", [export.constant(export.top[0].data.copy(), "boxes")], export.outputs[0])


def marks(export: LayerExport) -> None:
    """ContinuationIndicator: a step of 0, then ones."""
    steps, num = export.top[0].shape
    column = np.array([0.0] + [1.0] * (steps - 1), np.float32)[:, None]
    export.op("Identity", [export.constant(np.repeat(column, num, 1), "marks")], export.outputs[0])


def roi_pooling(export: LayerExport) -> None:
    regions = export.reshape(export.inputs[1], (export.bottom[1].shape[0], 5))
    export.op("MaxRoiPool", [export.x, regions], export.outputs[0], pooled_shape=list(export.top[0].shape[2:]),
              spatial_scale=float(export.param.spatial_scale))  # fmt: skip


def detection_output(export: LayerExport) -> None:
    """Each class of each image goes alone through ONNX's NonMaxSuppression, its best ``top_k`` boxes sorted: what that
    keeps is marked in a table of all candidates, whose order is then the order of the list."""
    param = export.param
    if param.code_type != CENTER_SIZE:
        raise export.unsupported("boxes told by their corners may be turned inside out; code_type must be CENTER_SIZE")
    if param.nms_param.eta < 1:
        raise export.unsupported("a threshold that shrinks (eta) has no words in ONNX")
    _Detections(export).write()


class _Detections:
    def __init__(self, export: LayerExport) -> None:
        self.export, self.param = export, export.param
        layer = export.layer
        self.images, self.priors, self.sets = layer.images, layer.priors, layer.sets  # type: ignore[attr-defined]
        self.classes = int(self.param.num_classes)
        self.labels = [c for c in range(self.classes) if c != self.param.background_label_id]
        most = layer.top_k  # type: ignore[attr-defined]
        self.most = self.priors if most < 0 else min(most, self.priors)
        """How many boxes of a class go into the suppression."""
        self.slots = self.most * len(self.labels)
        self.all = self.images * len(self.labels)

    def write(self) -> None:
        export = self.export
        boxes, scores = self.candidates()
        table = self.suppressed(boxes, scores)
        wide = export.reshape(table, (self.images, self.slots))
        rows = self.rows(export.reshape(boxes, (self.images, self.slots, 4)), wide, self.kept(wide))
        export.loose[0] = (2,)
        export.op("Reshape", [self.or_none(rows), export.integers([1, 1, -1, 7])], export.outputs[0])

    def split(self, name: str, parts: int, axis: int) -> list[str]:
        names = [self.export.graph.name(f"{self.export.layer.name}/part") for _ in range(parts)]
        self.export.ops("Split", [name], names, axis=axis)
        return names

    def boxes(self) -> str:
        """The decoded boxes: images × sets × priors × 4."""
        export = self.export
        both = export.reshape(export.inputs[2], (2, self.priors, 1, 4))
        prior, variance = (export.reshape(name, (self.priors, 1, 4)) for name in self.split(both, 2, 0))
        steps = export.reshape(export.x, (self.images, self.priors, self.sets, 4))
        if not self.param.variance_encoded_in_target:
            steps = export.op("Mul", [steps, variance])
        prior = export.reshape(prior, (1, self.priors, 1, 4))
        if len(export.inputs) == 5:  # RefineDet: its first step moves the priors
            first = export.reshape(export.inputs[4], (self.images, self.priors, 1, 4))
            if not self.param.variance_encoded_in_target:
                first = export.op("Mul", [first, variance])
            prior = self.decoded(prior, first)
        return export.op("Transpose", [self.decoded(prior, steps)], perm=[0, 2, 1, 3])

    def decoded(self, prior: str, steps: str) -> str:
        """The boxes that *steps* from *prior* mean, corners along axis 3."""
        export = self.export
        first, second = self.split(prior, 2, 3)
        shift, stretch = self.split(steps, 2, 3)
        size, half = export.op("Sub", [second, first]), export.constant(0.5, "half")
        middle = export.op("Mul", [export.op("Add", [first, second]), half])
        centre = export.op("Add", [middle, export.op("Mul", [shift, size])])
        reach = export.op("Mul", [export.op("Mul", [export.op("Exp", [stretch]), size]), half])
        return export.op("Concat", [export.op("Sub", [centre, reach]), export.op("Add", [centre, reach])], axis=3)

    def scores(self) -> str:
        """images × priors × classes; of RefineDet the background where the first step saw none."""
        export = self.export
        scores = export.reshape(export.inputs[1], (self.images, self.priors, self.classes))
        if len(export.inputs) < 5:
            return scores
        seen = export.reshape(export.inputs[3], (self.images, self.priors, 2))
        chance = export.op("Gather", [seen, export.integers([1], "object")], axis=2)
        least = export.constant(float(getattr(self.param, "objectness_score", 0.01)), "least")
        nothing = np.arange(self.classes) == self.param.background_label_id
        background = export.constant(nothing.astype(np.float32), "background")
        return export.op("Where", [export.op("Less", [chance, least]), background, scores])

    def candidates(self) -> tuple[str, str]:
        """The best boxes of each class of each image, (images · labels) × most × 4, and their scores."""
        export = self.export
        labels = export.integers(self.labels, "labels")
        scores = export.op("Gather", [export.op("Transpose", [self.scores()], perm=[0, 2, 1]), labels], axis=1)
        best = [export.graph.name(f"{export.layer.name}/{what}") for what in ("scores", "places")]
        export.ops("TopK", [scores, export.integers([self.most], "most")], best, axis=2)
        boxes = self.boxes()
        if self.sets > 1:
            boxes = export.op("Gather", [boxes, labels], axis=1)
        else:
            tiles = export.integers([1, len(self.labels), 1, 1], "tiles")
            boxes = export.op("Tile", [boxes, tiles])
        place = export.op("Unsqueeze", [best[1], export.integers([3], "axes")])
        place = export.op("Tile", [place, export.integers([1, 1, 1, 4], "tiles")])
        chosen = export.op("GatherElements", [boxes, place], axis=2)
        return export.reshape(chosen, (self.all, self.most, 4)), export.reshape(best[0], (self.all, self.most))

    def suppressed(self, boxes: str, scores: str) -> str:
        """The scores where a box is kept, minus infinity elsewhere."""
        export, least = self.export, self.export.layer.least  # type: ignore[attr-defined]
        given = [boxes, export.op("Unsqueeze", [scores, export.integers([1], "axes")]),
                 export.constant(np.array([self.most], np.int64), "most"),
                 export.constant(np.array([self.param.nms_param.nms_threshold], np.float32), "threshold")]  # fmt: skip
        if np.isfinite(least):
            given.append(export.constant(np.array([least], np.float32), "least"))
        found = export.op("NonMaxSuppression", given)
        place = export.op("Gather", [found, export.integers([0, 2], "columns")], axis=1)
        return export.op("ScatterND", [self.nothing(scores), place, export.op("GatherND", [scores, place])])

    def nothing(self, like: str) -> str:
        """Minus infinity, in the shape of a tensor."""
        lowest = self.export.graph.onnx.numpy_helper.from_array(np.array([-np.inf], np.float32))
        return self.export.op("ConstantOfShape", [self.export.op("Shape", [like])], value=lowest)

    def kept(self, table: str) -> str:
        """Where in the table the detections stand, rows of (image, slot) in the order of the list."""
        export, most = self.export, int(self.param.keep_top_k)
        none = export.constant(np.float32(-np.inf), "none")
        if 0 <= most < self.slots:
            best = [export.graph.name(f"{export.layer.name}/{what}") for what in ("best", "slots")]
            export.ops("TopK", [table, export.integers([most], "keep")], best, axis=1)
            empty = self.nothing(table)
            table = export.op("ScatterElements", [empty, best[1], best[0]], axis=1)
        places = export.op("NonZero", [export.op("Greater", [table, none])])
        return export.op("Transpose", [places], perm=[1, 0])

    def rows(self, boxes: str, table: str, kept: str) -> str:
        """Image, label, score and box of each detection."""
        export, real = self.export, self.export.graph.onnx.TensorProto.FLOAT
        image, slot = self.split(kept, 2, 1)
        which = export.op("Div", [slot, export.constant(np.int64(self.most), "most")])
        label = export.op("Gather", [export.constant(np.array(self.labels, np.float32), "labels"), which], axis=0)
        score = export.op("Unsqueeze", [export.op("GatherND", [table, kept]), export.integers([1], "axes")])
        box = export.op("GatherND", [boxes, kept])
        return export.op("Concat", [export.op("Cast", [image], to=real), label, score, box], axis=1)

    def or_none(self, rows: str) -> str:
        """A row of -1 for each image where there is no detection at all."""
        export, proto = self.export, self.export.graph.onnx.TensorProto
        images = export.op(
            "Shape", [export.reshape(export.x, (self.images, self.priors * self.sets * 4))], start=0, end=1
        )
        zero, one = export.constant(np.int64(0), "zero"), export.constant(np.int64(1), "one")
        numbers = export.op("Range", [zero, export.op("Squeeze", [images]), one])
        column = export.op("Unsqueeze", [export.op("Cast", [numbers], to=proto.FLOAT), export.integers([1], "axes")])
        empty = export.op("Pad", [column, export.integers([0, 0, 0, 6], "pads"), export.constant(-1.0, "minus")])
        count = export.op("Shape", [rows], start=0, end=1)
        nothing = export.op("Expand", [export.op("Equal", [count, export.integers([0], "zero")]), images])
        return export.op("Concat", [rows, export.op("Compress", [empty, nothing], axis=0)], axis=0)


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {
        "PriorBox": of_shapes,
        "PriorBoxClustered": of_shapes,
        "ContinuationIndicator": marks,
        "ROIPooling": roi_pooling,
        "DetectionOutput": detection_output,
    }
