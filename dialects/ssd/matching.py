"""Matching: which prior box answers for which object, and which of the others are shown as background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...layers import Array
from ..boxes import overlaps

BIPARTITE, PER_PREDICTION = 0, 1
NONE, OUTSIDE = -1, -2
"""What a prior without an object has in place of one: it is background, or it takes no part."""
LEAST = 1e-6
"""Overlaps up to this are none."""


class Truth(NamedTuple):
    """The objects of one image: boxes (n, 4) in units of the image, and labels (n)."""

    boxes: Array
    labels: Array


@dataclass
class Match:
    """Of each prior: the index of its object, ``NONE`` or ``OUTSIDE``; and its best overlap with any object."""

    objects: Array
    overlap: Array

    @property
    def matched(self) -> Array:
        """The priors with an object, in order."""
        return np.flatnonzero(self.objects > NONE)


def read_truth(labels: Array, images: int, use_difficult: bool) -> list[Truth]:
    """The objects of each image, from rows of (image, label, instance, xmin, ymin, xmax, ymax, difficult).

    Rows of images below 0 say that there is nothing; difficult objects are left out unless *use_difficult*.
    """
    rows = labels.reshape(-1, 8)
    rows = rows[rows[:, 0] >= 0]
    rows = rows if use_difficult else rows[rows[:, 7] == 0]
    of_image = [rows[rows[:, 0] == image] for image in range(images)]
    return [Truth(found[:, 3:7], found[:, 1].astype(np.intp)) for found in of_image]


def match(boxes: Array, truth: Array, method: int, threshold: float, ignore_outside: bool) -> Match:
    """Give each object its best prior, and with PER_PREDICTION each other prior its best object above *threshold*.

    With *ignore_outside* priors that cross the border of the image take no part.
    """
    objects = np.full(len(boxes), NONE)
    outside = np.zeros(len(boxes), bool)
    if ignore_outside:
        outside |= ((boxes < 0) | (boxes > 1)).any(1)
    objects[outside] = OUTSIDE
    if not len(truth):
        return Match(objects, np.zeros(len(boxes)))
    overlap = overlaps(boxes, truth)
    overlap[(overlap <= LEAST) | outside[:, None]] = 0
    best = overlap.max(1)
    _match_best(overlap.copy(), objects, best)
    if method == PER_PREDICTION:
        nearest = overlap.argmax(1)
        extra = (objects == NONE) & (overlap.max(1) >= threshold) & (overlap.max(1) > 0)
        objects[extra] = nearest[extra]
    return Match(objects, best)


def _match_best(overlap: Array, objects: Array, best: Array) -> None:
    """Pair the two that overlap most, then the two of those left, until no object overlaps a prior."""
    for _ in range(overlap.shape[1]):
        prior, truth = np.unravel_index(overlap.argmax(), overlap.shape)
        if overlap[prior, truth] <= 0:
            return
        objects[prior], best[prior] = truth, overlap[prior, truth]
        overlap[prior, :] = overlap[:, truth] = 0
