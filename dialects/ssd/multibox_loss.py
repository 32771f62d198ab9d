"""MultiBoxLoss: what a detector with prior boxes learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from ...layers import Arity, Array, Blob, Blobs, between
from ...layers.loss import SMALLEST, LossLayer, Normalizer
from ..boxes import CENTER_SIZE, decode, encode, suppress
from ..fork_layer import ForkLayer
from ..table import Table
from .matching import NONE, Match, Truth, match, read_truth
from .tables import ANNOTATIONS, LAYERS

L2 = 0
LOGISTIC = 1
NO_MINING, MAX_NEGATIVE, HARD_EXAMPLE = range(3)


class Parts(NamedTuple):
    """The terms of the loss of a batch: which priors have an object, and are where; what their offsets should be, and
    the labels of the objects; which priors are shown as background (None: all others)."""

    matched: tuple[Array, Array]
    priors: Array
    targets: Array
    labels: Array
    negatives: tuple[Array, Array] | None


class Image(NamedTuple):
    """What one image is judged by: offsets and scores of all priors, the priors and their variances, the objects, and
    which priors may be shown as background."""

    offsets: Array
    scores: Array
    prior: Array
    variance: Array
    truth: Truth
    possible: Array


class MultiBoxLoss(ForkLayer, LossLayer):
    """The loss of a detector: how far box and class are off for each prior that has an object, and for some of the
    others how far they are from saying background.

    Matching: each object gets the prior that it overlaps most, and with ``match_type: PER_PREDICTION`` every prior that
    overlaps an object by ``overlap_threshold`` gets that object too.
    Mining: of the other priors, those with an overlap below ``neg_overlap`` and the largest loss as background are
    taken, ``neg_pos_ratio`` times as many as have an object (MAX_NEGATIVE); or of all priors the ``sample_size`` with
    the largest loss (HARD_EXAMPLE), after non-maximum suppression; or all (NONE).
    Forward ``loss = 1/n · (loc_weight · sum of f(offsets - encoded box) + sum of -log p(label))``, f the smooth L1 or
    half the square; with LOGISTIC the second sum is the cross entropy of a sigmoid for each class. n is the number of
    matched priors, or what ``loss_param { normalization }`` says, at least 1.
    Backward is its gradient, with matching and mining taken as they are.

    Bottoms: offsets, N × (priors · 4), times classes where locations are not shared; scores before the softmax, N ×
    (priors · classes); the priors, 1 × 2 × (priors · 4); the objects, 1 × 1 × any × 8: image, label, instance, xmin,
    ymin, xmax, ymax, difficult. The first two get gradients. RefineDet adds two, what its first step says: the
    probabilities of background and object, N × (priors · 2), and offsets, N × (priors · 4). The priors are then taken
    where these offsets move them, and are not shown as background where the object's probability is below
    ``objectness_score``. Top: the loss, without axes.

    Parameters, in ``multibox_loss_param``: ``num_classes`` (required); ``share_location`` (true); ``loc_loss_type``
    (SMOOTH_L1, L2); ``conf_loss_type`` (SOFTMAX, LOGISTIC); ``loc_weight`` (1); ``match_type`` (PER_PREDICTION,
    BIPARTITE); ``overlap_threshold`` (0.5); ``use_prior_for_matching`` (true), or the predicted boxes;
    ``background_label_id`` (0); ``use_difficult_gt`` (true); ``mining_type`` (MAX_NEGATIVE), or the older
    ``do_neg_mining``; ``neg_pos_ratio`` (3); ``neg_overlap`` (0.5); ``sample_size`` (64); ``nms_param``;
    ``use_prior_for_nms`` (false); ``code_type`` (CORNER); ``encode_variance_in_target`` (false);
    ``map_object_to_agnostic`` (false), all objects as class background + 1; ``ignore_cross_boundary_bbox`` (false);
    ``bp_inside`` (false), with corners: no gradient from sides outside the image; ``objectness_score`` (0.01), of
    RefineDet.
    Errors: ParameterError; ShapeError; DataError for labels out of range.

    Example::

        layer {
          name: "loss" type: "MultiBoxLoss" bottom: "loc" bottom: "conf" bottom: "priors" bottom: "label" top: "loss"
          propagate_down: true propagate_down: true propagate_down: false propagate_down: false
          multibox_loss_param { num_classes: 21 code_type: CENTER_SIZE mining_type: MAX_NEGATIVE }
        }

    Source: SSD's MultiBoxLoss layer (Liu et al., "SSD: Single Shot MultiBox Detector", 2016); RefineDet's (Zhang
    et al., 2018).
    """

    type: ClassVar[str] = "MultiBoxLoss"
    param_field: ClassVar[str | None] = "multibox_loss_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS)
    bottoms: ClassVar[Arity] = between(4, 6)
    no_gradient_to: ClassVar[tuple[int, ...]] = (2, 3, 4, 5)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param
        self.classes: int = param.num_classes
        if self.classes < 1:
            self.fail("num_classes must be given", "num_classes")
        self.background: int = param.background_label_id
        self.sets = 1 if param.share_location else self.classes
        self.mining: int = param.mining_type
        if param.HasField("do_neg_mining") and not param.HasField("mining_type"):
            self.mining = MAX_NEGATIVE if param.do_neg_mining else NO_MINING
        if self.mining == MAX_NEGATIVE and param.neg_pos_ratio <= 0:
            self.fail("neg_pos_ratio must be greater than 0", "neg_pos_ratio", got=param.neg_pos_ratio)
        if self.mining == HARD_EXAMPLE and param.sample_size < 1:
            self.fail("sample_size must be at least 1", "sample_size", got=param.sample_size)
        if param.bp_inside and param.code_type == CENTER_SIZE:
            self.fail("bp_inside is for corners; code_type must not be CENTER_SIZE", "bp_inside")
        if len(bottom) == 5:
            self.fail("the first step's probabilities and offsets must be given together", "bottom", 4)
        self.normalizer = Normalizer.of(self.config)
        self.loc_grad, self.conf_grad = Blob(dtype=self.dtype), Blob(dtype=self.dtype)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        loc, conf, prior, truth = bottom[:4]
        if prior.num_axes < 3 or prior.shape[1] != 2 or prior.shape[2] % 4:
            self.fail_shape("the priors must be 1 x 2 x (priors · 4)", prior)
        self.images, self.priors = loc.shape[0], prior.shape[2] // 4
        first = zip(bottom[4:], (2, 4), strict=False)
        for blob, each in ((loc, self.sets * 4), (conf, self.classes), *first):
            if blob.count != self.images * self.priors * each:
                rule = f"there must be {each} numbers for each of {self.priors} priors of {self.images} images"
                self.fail_shape(rule, blob, prior)
        if truth.count % 8:
            self.fail_shape("the objects must be rows of 8 numbers", truth)
        self.loc_grad.reshape((self.images, self.priors, self.sets, 4))
        self.conf_grad.reshape((self.images, self.priors, self.classes))
        top[0].reshape(())

    # -- forward ------------------------------------------------------------------------------------------------

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        truths = read_truth(bottom[3].data, self.images, self.param.use_difficult_gt)
        self._check_labels(truths, bottom)
        images = self._images(bottom, truths)
        parts = self._parts(images)
        self.divisor = self.normalizer(self.images, self.images * self.priors, len(parts.labels))
        loc = self._loc_loss(bottom[0].data.reshape(self.loc_grad.shape), parts)
        conf = self._conf_loss(bottom[1].data.reshape(self.conf_grad.shape), parts)
        top[0].data[...] = (self.param.loc_weight * loc + conf) / self.divisor

    def _images(self, bottom: Blobs, truths: list[Truth]) -> list[Image]:
        offsets = bottom[0].data.reshape(self.loc_grad.shape)
        scores = bottom[1].data.reshape(self.conf_grad.shape)
        prior, variance = (part.reshape(-1, 4) for part in bottom[2].data[0])
        possible = np.ones((self.images, self.priors), bool)
        priors = [prior] * self.images
        if len(bottom) == 6:
            least = getattr(self.param, "objectness_score", 0.01)
            possible = bottom[4].data.reshape(self.images, self.priors, 2)[..., 1] >= least
            moves = bottom[5].data.reshape(self.images, self.priors, 1, 4)
            priors = [self._decoded(move, prior, variance)[:, 0] for move in moves]
        if self.param.map_object_to_agnostic:
            truths = [Truth(t.boxes, np.full(len(t.labels), self.background + 1)) for t in truths]
        each = zip(offsets, scores, priors, [variance] * self.images, truths, possible, strict=True)
        return [Image(*values) for values in each]

    def _check_labels(self, truths: list[Truth], bottom: Blobs) -> None:
        for truth in truths:
            for label in truth.labels[(truth.labels < 0) | (truth.labels >= self.classes)]:
                self.fail(f"labels must be from 0 to {self.classes - 1}", "bottom", 3, got=int(label))
            if (truth.labels == self.background).any():
                self.fail("an object must not be background", "background_label_id", got=self.background)

    def _parts(self, images: list[Image]) -> Parts:
        rows: list[Array] = []
        priors, targets, labels = [np.empty((0, 4))], [np.empty((0, 4))], [np.empty(0, np.intp)]
        negatives: list[Array] = []
        for index, image in enumerate(images):
            found = self._match(image)
            shown = self._mine(image, found)
            at = found.matched
            rows.append(np.stack([np.full(len(at), index), at]))
            priors.append(image.prior[at])
            targets.append(self._targets(image, found))
            labels.append(image.truth.labels[found.objects[at]])
            negatives.append(np.stack([np.full(len(shown), index), shown]))
        matched = np.concatenate(rows, 1).astype(np.intp) if rows else np.empty((2, 0), np.intp)
        others = np.concatenate(negatives, 1).astype(np.intp) if negatives else np.empty((2, 0), np.intp)
        return Parts(
            (matched[0], matched[1]),
            np.concatenate(priors),
            np.concatenate(targets),
            np.concatenate(labels),
            None if self.mining == NO_MINING else (others[0], others[1]),
        )

    def _match(self, image: Image) -> Match:
        param, truth = self.param, image.truth
        rule = (param.match_type, param.overlap_threshold, param.ignore_cross_boundary_bbox)
        if param.use_prior_for_matching:
            return match(image.prior, truth.boxes, *rule)
        boxes = self._decoded(image.offsets, image.prior, image.variance)
        if self.sets == 1:
            return match(boxes[:, 0], truth.boxes, *rule)
        objects, overlap = np.full(self.priors, NONE), np.zeros(self.priors)
        for label in np.unique(truth.labels):
            of_label = np.flatnonzero(truth.labels == label)
            found = match(boxes[:, label], truth.boxes[of_label], *rule)
            taken = found.matched
            objects[taken], overlap[taken] = of_label[found.objects[taken]], found.overlap[taken]
        return Match(objects, overlap)

    def _targets(self, image: Image, found: Match) -> Array:
        """What the offsets of the priors with an object should be."""
        at = found.matched
        variance = None if self.param.encode_variance_in_target else image.variance[at]
        return encode(image.prior[at], variance, image.truth.boxes[found.objects[at]], self.param.code_type)

    def _decoded(self, offsets: Array, prior: Array, variance: Array) -> Array:
        wide = None if self.param.encode_variance_in_target else variance[:, None]
        return decode(prior[:, None], wide, offsets, self.param.code_type)

    def _mine(self, image: Image, found: Match) -> Array:
        """The priors to be shown as background; with HARD_EXAMPLE priors that are not chosen lose their object."""
        if self.mining == NO_MINING:
            return np.empty(0, np.intp)
        loss = self._class_losses(image, found)
        if self.mining == MAX_NEGATIVE:
            at = np.flatnonzero((found.objects == NONE) & (found.overlap < self.param.neg_overlap) & image.possible)
            most = min(int(len(found.matched) * self.param.neg_pos_ratio), len(at))
        else:
            at = np.arange(self.priors)
            loss = loss + self._box_losses(image, found)
            most = min(self.param.sample_size, len(at))
        chosen = self._hardest(at, loss, most, image)
        if self.mining == MAX_NEGATIVE:
            return np.sort(chosen)
        left_out = np.setdiff1d(found.matched, chosen)
        found.objects[left_out] = NONE
        return np.sort(chosen[(found.objects[chosen] == NONE) & image.possible[chosen]])

    def _hardest(self, at: Array, loss: Array, most: int, image: Image) -> Array:
        nms = self.param.nms_param
        if self.mining == HARD_EXAMPLE and self.param.HasField("nms_param") and nms.nms_threshold > 0:
            boxes = image.prior
            if not self.param.use_prior_for_nms:
                boxes = self._decoded(image.offsets, image.prior, image.variance)[:, 0]
            kept = suppress(boxes[at], loss[at], nms.nms_threshold, nms.top_k if nms.HasField("top_k") else -1, nms.eta)
            return at[kept][:most]
        return at[np.argsort(-loss[at], kind="stable")[:most]]

    def _class_losses(self, image: Image, found: Match) -> Array:
        """What each prior loses by its scores: as its object's class, or as background."""
        scores, labels = image.scores, np.full(self.priors, self.background)
        labels[found.matched] = image.truth.labels[found.objects[found.matched]]
        if self.param.conf_loss_type == LOGISTIC:
            wanted = labels[:, None] == np.arange(self.classes)
            return np.asarray(_cross_entropy(scores, wanted).sum(1))
        top = scores.max(1)
        losses: Array = np.log(np.exp(scores - top[:, None]).sum(1)) - (scores[np.arange(self.priors), labels] - top)
        return losses

    def _box_losses(self, image: Image, found: Match) -> Array:
        """What each prior with an object loses by its box; 0 for the others."""
        losses, at = np.zeros(self.priors), found.matched
        sets = np.zeros(len(at), np.intp) if self.sets == 1 else image.truth.labels[found.objects[at]]
        losses[at] = self._off(image.offsets[at, sets] - self._targets(image, found))[0].sum(1)
        return losses

    def _off(self, difference: Array) -> tuple[Array, Array]:
        """The loss of each difference, and its slope."""
        if self.param.loc_loss_type == L2:
            return difference * difference / 2, difference
        size = np.abs(difference)
        return np.where(size < 1, difference * difference / 2, size - 0.5), np.clip(difference, -1, 1)

    def _loc_loss(self, offsets: Array, parts: Parts) -> float:
        grad = self.loc_grad.data
        grad.fill(0)
        image, at = parts.matched
        sets = np.zeros(len(at), np.intp) if self.sets == 1 else parts.labels
        difference = offsets[image, at, sets] - parts.targets
        if self.param.bp_inside:
            difference = np.where((parts.priors >= 0) & (parts.priors <= 1), difference, 0)
        loss, slope = self._off(difference)
        grad[image, at, sets] = slope * self.param.loc_weight
        return float(loss.sum())

    def _conf_loss(self, scores: Array, parts: Parts) -> float:
        """The loss of the scores; leaves its gradient in ``conf_grad``."""
        labels = np.full((self.images, self.priors), self.background)
        shown = np.full((self.images, self.priors), parts.negatives is None)
        labels[parts.matched], shown[parts.matched] = parts.labels, True
        if parts.negatives is not None:
            shown[parts.negatives] = True
        grad = self.conf_grad.data
        wanted = labels[shown][:, None] == np.arange(self.classes)
        chosen = scores[shown]
        if self.param.conf_loss_type == LOGISTIC:
            probability, loss = (1 + np.tanh(chosen / 2)) / 2, _cross_entropy(chosen, wanted).sum()
        else:
            raised = np.exp(chosen - chosen.max(1, keepdims=True, initial=-np.inf))
            probability = raised / raised.sum(1, keepdims=True)
            loss = -np.log(np.maximum(probability[wanted], SMALLEST)).sum()
        grad.fill(0)
        grad[shown] = probability - wanted
        return float(loss)

    # -- backward -----------------------------------------------------------------------------------------------

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        scale = float(top[0].diff) / self.divisor
        for index, grad in enumerate((self.loc_grad, self.conf_grad)):
            if propagate_down[index]:
                self.engine.scale_by(scale, grad.data.reshape(bottom[index].shape), bottom[index].diff)


def _cross_entropy(scores: Array, wanted: Array) -> Array:
    """Of each score, with a sigmoid: log(1 + exp(-|s|)) + max(s, 0) - s where wanted."""
    loss: Array = np.log1p(np.exp(-np.abs(scores))) + np.maximum(scores, 0) - scores * wanted
    return loss
