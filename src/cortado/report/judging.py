"""Judging: a trained net over its test records: which classes it takes for which, and its worst mistakes."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from ..layers import Array, Blob
from ..netdef import Net

MOST_MISTAKES = 24


@dataclass
class Mistake:
    """A record that the net takes for another class: its data, its class, the predicted one, and the chance that the
    net gives to each of the two."""

    data: Array
    label: int
    predicted: int
    chance: float
    chance_predicted: float


@dataclass
class Judgement:
    """``confusion[i, j]``: how many records of class i were taken for j; the ``mistakes``, worst first."""

    confusion: Array
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        return float(np.trace(self.confusion) / max(1, self.confusion.sum()))


def judge(net: Net, batches: int) -> Judgement | None:
    """Run *batches* of a test net; None where it has no scores with labels beside them."""
    found = _scores_and_labels(net)
    if found is None:
        return None
    scores, labels = found
    data = next((blob for step in net.steps if not step.bottom for blob in step.top), None)
    classes = scores.shape[1]
    judgement = Judgement(np.zeros((classes, classes), np.int64))
    worst: list[tuple[float, int, Mistake]] = []
    number = count()
    for _ in range(batches):
        net.forward()
        chances = _chances(scores.data.reshape(scores.shape[0], classes))
        truth = labels.data.ravel().astype(np.int64)
        guess = chances.argmax(1)
        known = (truth >= 0) & (truth < classes)
        np.add.at(judgement.confusion, (truth[known], guess[known]), 1)
        for i in np.flatnonzero(known & (guess != truth)):
            if data is None:
                continue
            chance = float(chances[i, truth[i]])
            heapq.heappush(
                worst,
                (
                    -chance,
                    next(number),
                    Mistake(data.data[i].copy(), int(truth[i]), int(guess[i]), chance, float(chances[i, guess[i]])),
                ),
            )
            if len(worst) > MOST_MISTAKES:
                heapq.heappop(worst)
    judgement.mistakes = sorted((item[2] for item in worst), key=lambda m: m.chance)
    return judgement


def _scores_and_labels(net: Net) -> tuple[Blob, Blob] | None:
    for kind in ("SoftmaxWithLoss", "Accuracy"):
        for step in reversed(net.steps):
            if step.layer.type == kind and step.bottom[0].num_axes > 1:
                scores, labels = step.bottom[:2]
                if scores.count == scores.shape[0] * scores.shape[1] and labels.count == scores.shape[0]:
                    return scores, labels
    return None


def _chances(scores: Array) -> Array:
    shifted = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(shifted / shifted.sum(1, keepdims=True))
