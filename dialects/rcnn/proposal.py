"""Proposal: regions of interest from what a region proposal network says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

import numpy as np

from ...errors import NetError
from ...layers import Arity, Array, Blobs, between, exactly
from ..boxes import suppress
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import FAST_RCNN, PROPOSAL


class Proposal(ForkLayer):
    """Turns the scores and offsets of a region proposal network into regions of interest.

    Around every place of the feature map, ``feat_stride`` pixels apart, stand anchors: boxes of ``base_size``², for
    each ratio r as wide as ``w = round(sqrt(base_size² / r))`` and ``round(w · r)`` high, times each scale. They are
    moved by ``(dx · w, dy · h)``, stretched by ``(exp(dw), exp(dh))`` and cut at the border of the image. Boxes smaller
    than ``min_size`` · the image's scale get score 0. The best ``pre_nms_topn`` go through non-maximum suppression
    (more than ``nms_thresh`` overlap), and the best ``post_nms_topn`` of those are left. No backward.

    Bottoms: probabilities, 1 × 2A × H × W, the A of objects behind the A of background; offsets, 1 × 4A × H × W; the
    image's height, width and scale (one, or one for each direction). One image at a time. Tops: regions, R × 5: 0, x1,
    y1, x2, y2 in pixels; and if there is a second one their scores, R × 1.

    Parameters, in ``proposal_param``: ``feat_stride`` (16), ``base_size`` (16), ``min_size`` (16), ``ratio`` and
    ``scale`` (each at least once), ``pre_nms_topn`` (6000), ``post_nms_topn`` (300), ``nms_thresh`` (0.7).
    Errors: ParameterError; ShapeError.

    Example::

        layer {
          name: "proposal" type: "Proposal" bottom: "rpn_prob" bottom: "rpn_bbox" bottom: "im_info" top: "rois"
          proposal_param { ratio: 0.5 ratio: 1 ratio: 2 scale: 8 scale: 16 scale: 32 }
        }

    Source: PVANet's Proposal layer; Ren et al., "Faster R-CNN", 2015.
    """

    type: ClassVar[str] = "Proposal"
    param_field: ClassVar[str | None] = "proposal_param"
    tables: ClassVar[Sequence[Table]] = (FAST_RCNN, PROPOSAL)
    bottoms: ClassVar[Arity] = exactly(3)
    tops: ClassVar[Arity] = between(1, 2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0, 1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        for name in ("ratio", "scale"):
            values = getattr(self.param, name)
            if not values or min(values) <= 0:
                self.fail(f"{name} must be given, greater than 0", name, got=list(values))
        self.anchors = anchors(self.param.base_size, list(self.param.ratio), list(self.param.scale))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        prob, offset, image = bottom
        count = len(self.anchors)
        for blob, each in ((prob, 2), (offset, 4)):
            if blob.num_axes != 4 or blob.shape[:2] != (1, each * count):
                self.fail_shape(f"there must be 1 image with {each} channels for each of {count} anchors", blob)
        if prob.shape[2:] != offset.shape[2:]:
            self.fail_shape("probabilities and offsets must have the same height and width", prob, offset)
        if image.count < 3:
            self.fail_shape("the image must be told by height, width and scale", image)
        top[0].reshape((self.param.post_nms_topn, 5))
        for blob in top[1:]:
            blob.reshape((self.param.post_nms_topn, 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        count, (height, width) = len(self.anchors), bottom[0].shape[2:]
        info = bottom[2].data.reshape(-1)
        scores = bottom[0].data[0, count:].reshape(count, -1).T.reshape(-1)
        offsets = bottom[1].data[0].reshape(count, 4, -1).transpose(2, 0, 1).reshape(-1, 4)
        y, x = (a.reshape(-1, 1) * self.param.feat_stride for a in np.mgrid[:height, :width])
        start = (self.anchors + np.concatenate([x, y, x, y], 1)[:, None]).reshape(-1, 4)
        boxes = np.clip(moved(start, offsets), 0, np.array([info[1], info[0], info[1], info[0]]) - 1)
        least = self.param.min_size * np.array([info[3] if len(info) > 3 else info[2], info[2]])
        scores = scores * (boxes[:, 2:] - boxes[:, :2] + 1 >= least).all(1)
        order = np.argsort(-scores, kind="stable")[: self.param.pre_nms_topn]
        kept = order[suppress(boxes[order], scores[order], self.param.nms_thresh, edge=1)[: self.param.post_nms_topn]]
        top[0].reshape((len(kept), 5))
        top[0].data[:, 0], top[0].data[:, 1:] = 0, boxes[kept]
        for blob in top[1:]:
            blob.reshape((len(kept), 1))
            blob.data[:, 0] = scores[kept]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> NoReturn:
        hint = (
            "its regions are learned by the losses of rpn_cls_score and rpn_bbox_pred; set propagate_down: false here"
        )
        self.fail("Proposal has no backward pass", error=NetError, hint=hint)


def anchors(base: int, ratios: Sequence[float], scales: Sequence[float]) -> Array:
    """The anchors of the first place: x1, y1, x2, y2 around the middle of a square of *base* pixels."""
    middle, rows = (base - 1) / 2, []
    for ratio in ratios:
        width = np.round(np.sqrt(base * base / ratio))
        height = np.round(width * ratio)
        for scale in scales:
            half = (np.array([width, height]) * scale - 1) / 2
            rows.append([*(middle - half), *(middle + half)])
    return np.array(rows)


def moved(boxes: Array, offsets: Array) -> Array:
    """*boxes* moved and stretched by *offsets*, in pixels where x2 is the last one inside."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    centre = boxes[:, :2] + size / 2 + offsets[:, :2] * size
    half = np.exp(offsets[:, 2:]) * size / 2
    return np.concatenate([centre - half, centre + half], 1)
