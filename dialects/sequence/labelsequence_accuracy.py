"""LabelsequenceAccuracy: how many sequences are read without a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

import numpy as np

from ...errors import NetError
from ...layers import Arity, Array, Blobs, exactly
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import CTC


class LabelsequenceAccuracy(ForkLayer):
    """The share of the sequences that are read exactly: the label with the largest score at each step, repeated ones
    merged and blanks dropped, compared with the wanted labels. No backward.

    Bottoms: scores, N × T × C; labels, N × any number, up to the first that is the blank. Top: the share, without axes.

    Parameters, in ``labelsequence_accuracy_param``: ``blank_label`` (0).
    Errors: ShapeError for scores without three axes, or another number of sequences.

    Example::

        layer {
          name: "accuracy" type: "LabelsequenceAccuracy" bottom: "scores" bottom: "label" top: "accuracy"
          labelsequence_accuracy_param { blank_label: 0 }
        }

    Source: the layer of DeepDetect's Caffe.
    """

    type: ClassVar[str] = "LabelsequenceAccuracy"
    param_field: ClassVar[str | None] = "labelsequence_accuracy_param"
    tables: ClassVar[Sequence[Table]] = (CTC,)
    bottoms: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0, 1)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        scores, labels = bottom
        if scores.num_axes != 3:
            self.fail_shape("the scores must be N x T x C", scores)
        if not labels.num_axes or labels.shape[0] != scores.shape[0]:
            self.fail_shape("there must be a row of labels for each sequence", labels, scores)
        top[0].reshape(())

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        blank = self.param.blank_label
        said = bottom[0].data.argmax(2)
        wanted = bottom[1].data.reshape(len(said), bottom[1].count // max(1, len(said))).astype(np.intp)
        right = sum(np.array_equal(_read(s, blank), _until(w, blank)) for s, w in zip(said, wanted, strict=True))
        top[0].data[...] = right / max(1, len(said))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> NoReturn:
        self.fail(
            "LabelsequenceAccuracy has no backward pass",
            error=NetError,
            hint="let it be in tests only: include { phase: TEST }",
        )


def _read(labels: Array, blank: int) -> Array:
    """*labels* of each step, merged and without blanks."""
    changes = np.concatenate([[True], labels[1:] != labels[:-1]]) if len(labels) else np.empty(0, bool)
    merged: Array = labels[changes]
    return np.asarray(merged[merged != blank])


def _until(labels: Array, blank: int) -> Array:
    ends = np.flatnonzero(labels == blank)
    return labels[: ends[0]] if len(ends) else labels
