"""DetectionOutput: from offsets and scores to a list of detections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

import numpy as np

from ...errors import NetError
from ...layers import Arity, Array, Blobs, between
from ..boxes import decode, suppress
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import ANNOTATIONS, LAYERS


class DetectionOutput(ForkLayer):
    """Turns what a detector says of each prior box into a list of detections, at most one for each object.

    For each image: the offsets are decoded from the priors (``code_type``). For each class but the background the
    boxes with a confidence above ``confidence_threshold``, the best ``nms_param { top_k }`` of them, go through
    non-maximum suppression: one is kept unless it overlaps a better one of its class by more than ``nms_threshold``
    (which with ``eta`` < 1 shrinks after each kept box while above 0.5). Of all that are left the best ``keep_top_k``
    stay. No backward.

    Bottoms: offsets, N × (priors · 4), times classes where locations are not shared; confidences, N × (priors ·
    classes), as a softmax gives them; the priors, 1 × 2 × (priors · 4). RefineDet adds the confidences, two classes,
    and the offsets of its first step: the priors are refined by those offsets first, and where the first step's
    confidence is below ``objectness_score`` the prior is background.
    Top: 1 × 1 × detections × 7: image, label, confidence, xmin, ymin, xmax, ymax, by image, label and (within a label)
    falling confidence. Where no image has a detection, one row per image with its number and six times -1.

    Parameters, in ``detection_output_param``: ``num_classes`` (required); ``share_location`` (true);
    ``background_label_id`` (0, or -1 for none); ``nms_param``: ``nms_threshold`` (0.3), ``top_k`` (all), ``eta`` (1);
    ``keep_top_k`` (all); ``confidence_threshold`` (none); ``code_type`` (CORNER); ``variance_encoded_in_target``
    (false). ``save_output_param``, ``visualize`` and ``save_file`` are read and do nothing: no files are written.
    Errors: ParameterError; ShapeError for bottoms that do not belong together.

    Example::

        layer {
          name: "detections" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "priors" top: "detections"
          detection_output_param { num_classes: 21 nms_param { nms_threshold: 0.45 top_k: 400 } keep_top_k: 200
                                   confidence_threshold: 0.01 code_type: CENTER_SIZE }
        }

    Source: SSD's DetectionOutput layer (Liu et al., 2016); Zhang et al., "RefineDet", 2018.
    """

    type: ClassVar[str] = "DetectionOutput"
    param_field: ClassVar[str | None] = "detection_output_param"
    without: ClassVar[Sequence[str]] = ("normalized",)
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS)
    bottoms: ClassVar[Arity] = between(3, 5)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0, 1, 2, 3, 4)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param
        self.classes: int = param.num_classes
        if self.classes < 1:
            self.fail("num_classes must be given", "num_classes")
        self.background: int = param.background_label_id
        self.sets = 1 if param.share_location else self.classes
        nms = param.nms_param
        if nms.nms_threshold < 0:
            self.fail("nms_threshold must be at least 0", "nms_param", "nms_threshold", got=nms.nms_threshold)
        if not 0 < nms.eta <= 1:
            self.fail("eta must be greater than 0 and at most 1", "nms_param", "eta", got=nms.eta)
        self.top_k = nms.top_k if nms.HasField("top_k") else -1
        self.least = param.confidence_threshold if param.HasField("confidence_threshold") else -np.inf
        if len(bottom) == 4:
            self.fail("the first step of RefineDet brings two more bottoms, confidences and offsets", "bottom", 3)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        loc, conf, prior = bottom[:3]
        if prior.num_axes < 3 or prior.shape[1] != 2 or prior.shape[2] % 4:
            self.fail_shape("the priors must be 1 x 2 x (priors · 4)", prior)
        self.images, self.priors = loc.shape[0], prior.shape[2] // 4
        wanted = [(loc, self.sets * 4), (conf, self.classes), *zip(bottom[3:], (2, 4), strict=False)]
        for blob, each in wanted:
            if blob.count != self.images * self.priors * each:
                rule = f"there must be {each} numbers for each of {self.priors} priors of {self.images} images"
                self.fail_shape(rule, blob, prior)
        top[0].reshape((1, 1, 1, 7))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        prior, variance = (part.reshape(-1, 4) for part in bottom[2].data[0])
        scores = bottom[1].data.reshape(self.images, self.priors, self.classes)
        offsets = bottom[0].data.reshape(self.images, self.priors, self.sets, 4)
        variances = None if self.param.variance_encoded_in_target else variance
        rows = []
        for image in range(self.images):
            start, score = prior, scores[image]
            if len(bottom) == 5:
                start, score = self._first_step(bottom, image, prior, variances, score)
            wide = None if variances is None else variances[:, None]
            boxes = decode(start[:, None], wide, offsets[image], self.param.code_type)
            rows.append(self._detections(image, boxes, score))
        found = np.concatenate(rows) if rows else np.empty((0, 7))
        if not len(found):
            found = np.full((self.images, 7), -1.0)
            found[:, 0] = np.arange(self.images)
        top[0].reshape((1, 1, len(found), 7))
        top[0].data[0, 0] = found

    def _first_step(
        self, bottom: Blobs, image: int, prior: Array, variances: Array | None, score: Array
    ) -> tuple[Array, Array]:
        """The refined priors of RefineDet, and the scores where those of its first step are good enough."""
        objectness = bottom[3].data.reshape(self.images, self.priors, 2)[image, :, 1]
        offsets = bottom[4].data.reshape(self.images, self.priors, 4)[image]
        least = getattr(self.param, "objectness_score", 0.01)
        masked = np.where((objectness < least)[:, None], np.arange(self.classes) == self.background, score)
        return decode(prior, variances, offsets, self.param.code_type), masked

    def _detections(self, image: int, boxes: Array, scores: Array) -> Array:
        """The rows of one image."""
        nms, rows = self.param.nms_param, []
        for label in range(self.classes):
            if label == self.background:
                continue
            at = np.flatnonzero(scores[:, label] > self.least)
            mine, score = boxes[at, 0 if self.sets == 1 else label], scores[at, label]
            kept = suppress(mine, score, nms.nms_threshold, self.top_k, nms.eta)
            row = np.empty((len(kept), 7))
            row[:, 0], row[:, 1], row[:, 2], row[:, 3:] = image, label, score[kept], mine[kept]
            rows.append(row)
        found = np.concatenate(rows) if rows else np.empty((0, 7))
        most = self.param.keep_top_k
        if -1 < most < len(found):
            best = np.argsort(-found[:, 2], kind="stable")[:most]
            found = found[best[np.argsort(found[best, 1], kind="stable")]]
        return found

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> NoReturn:
        self.fail("DetectionOutput has no backward pass", error=NetError, hint="train with MultiBoxLoss")
