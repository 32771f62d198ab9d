"""CtcLoss: a loss for sequences of labels that nobody has aligned with the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Array, Blob, Blobs
from ...layers.loss import LossLayer
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import CTC

LEAST = -1e30
"""The logarithm of no probability at all, which can still be reckoned with."""


class CtcLoss(ForkLayer, LossLayer):
    """Connectionist temporal classification: how improbable the wanted sequence of labels is, over all ways to spread
    it over time with repetitions, and with blanks in between.

    Forward, with p the softmax of the scores at each step: ``loss = -1/N · sum of log P(labels)``, where P sums the
    products of p over all paths that become the labels once repeated ones are merged and blanks are dropped. A sequence
    that no path can be, because it is too long, costs nothing.
    Backward ``weight / N · (p - q)`` with q the share of the paths that are at that label at that step.

    Bottoms: scores, T × N × C; labels, N × any number, up to the first that is the blank (no gradient). Top: the loss,
    without axes.

    Parameters, in ``ctc_loss_param``: ``blank_label`` (0); ``alphabet_size`` and ``time_step`` (0: not checked), at
    most C and T.
    Errors: ParameterError; ShapeError; DataError through a label that is no class.

    Example::

        layer {
          name: "loss" type: "CtcLoss" bottom: "fc" bottom: "label" top: "loss" ctc_loss_param { blank_label: 0 }
        }

    Source: the layer of DeepDetect's Caffe, after Baidu's warp-ctc; Graves et al., "Connectionist Temporal
    Classification", 2006.
    """

    type: ClassVar[str] = "CtcLoss"
    param_field: ClassVar[str | None] = "ctc_loss_param"
    tables: ClassVar[Sequence[Table]] = (CTC,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.gradient = Blob(dtype=self.dtype, name=f"{self.name} gradient")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        scores, labels = bottom
        if scores.num_axes < 3 or scores.count != np.prod(scores.shape[:3]):
            self.fail_shape("the scores must be T x N x C", scores)
        self.view = scores.shape[:3]
        steps, batch, classes = self.view
        if labels.count % max(1, batch) or (labels.num_axes and labels.shape[0] != batch):
            self.fail_shape(f"there must be a row of labels for each of {batch} sequences", labels, scores)
        for name, size in (("time_step", steps), ("alphabet_size", classes)):
            given = getattr(self.param, name)
            if given and given > size:
                self.fail(f"{name} must be at most that of the scores ({size})", name, got=given)
        if not 0 <= self.param.blank_label < classes:
            self.fail(f"blank_label must be from 0 to {classes - 1}", "blank_label", got=self.param.blank_label)
        self.gradient.reshape(self.view)
        top[0].reshape(())

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        steps, batch, _ = self.view
        scores = bottom[0].data.reshape(self.view)
        shifted = scores - scores.max(2, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(2, keepdims=True))
        total = 0.0
        for n, row in enumerate(bottom[1].data.reshape(batch, -1)):
            path = self._path(row)
            loss, at = _align(logs[:, n, path], path) if steps else (0.0, None)
            grad = self.gradient.data[:, n]
            grad.fill(0)
            if at is not None:
                total += loss
                grad[...] = np.exp(logs[:, n]) - at @ (path[:, None] == np.arange(self.view[2]))
        top[0].data[...] = total / max(1, batch)

    def _path(self, row: Array) -> Array:
        """The labels of one sequence with a blank before, between and behind them."""
        blank, classes = self.param.blank_label, self.view[2]
        ends = np.flatnonzero(row.astype(np.intp) == blank)
        labels = row[: ends[0]].astype(np.intp) if len(ends) else row.astype(np.intp)
        for label in labels[(labels < 0) | (labels >= classes)]:
            self.fail(f"labels must be from 0 to {classes - 1}", "bottom", 1, got=int(label))
        path = np.full(2 * len(labels) + 1, blank)
        path[1::2] = labels
        return path

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if propagate_down[0]:
            scale = float(top[0].diff) / max(1, self.view[1])
            self.engine.scale_by(scale, self.gradient.data, bottom[0].diff.reshape(self.view))


def _align(logs: Array, path: Array) -> tuple[float, Array | None]:
    """-log of the probability of *path*, and the probability to be at each place of it at each step, given that; None
    where no path of that many steps exists. *logs*, T × places, are those of the places' labels."""
    steps, places = logs.shape
    jumps = np.zeros(places, bool)
    jumps[3::2] = path[3::2] != path[1:-2:2]
    ahead, back = np.full((steps, places), LEAST), np.full((steps, places), LEAST)
    ahead[0, :2] = logs[0, :2]
    back[-1, -2:] = 0.0
    for t in range(1, steps):
        ahead[t] = _three(ahead[t - 1], jumps) + logs[t]
        behind = (back[steps - t] + logs[steps - t])[::-1]
        back[steps - t - 1] = _three(behind, np.roll(jumps[::-1], 2))[::-1]
    total = np.logaddexp.reduce(ahead[-1, -2:])
    if total < LEAST / 2:
        return 0.0, None
    return -float(total), np.exp(ahead + back - total)


def _three(before: Array, jumps: Array) -> Array:
    """log of the sum of what is at each place, one before it, and where it may jump two before it."""
    one, two = np.full_like(before, LEAST), np.full_like(before, LEAST)
    one[1:], two[2:] = before[:-1], before[:-2]
    two[~jumps] = LEAST
    return np.asarray(np.logaddexp(np.logaddexp(before, one), two))
