"""Labels: what loss layers were given, and whether it fits their number of outputs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ..layers import Array
from ..netdef import Net
from ..netdef.step import Step
from .finding import Finding

LABELLED = ("SoftmaxWithLoss", "MultinomialLogisticLoss", "HingeLoss", "InfogainLoss", "MulticlassHingeLoss")
UNLIKELY = 1e-4
"""A chance below which it was none."""


@dataclass
class Labels:
    """How often each label came to a loss layer of so many ``outputs``, in so many ``records``; ``ignored`` is left
    out."""

    outputs: int
    ignored: int | None = None
    records: int = 0
    counts: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, step: Step) -> Labels:
        """Empty, for a loss layer."""
        outputs = step.bottom[0].shape[1] if step.bottom[0].num_axes > 1 else 1
        return cls(outputs, getattr(getattr(step.layer, "normalizer", None), "ignore_label", None))

    def add(self, labels: Array) -> None:
        """Take in one batch."""
        self.records += labels.shape[0] if labels.ndim else 1
        values, counts = np.unique(labels, return_counts=True)
        self.counts.update({int(v): int(n) for v, n in zip(values, counts, strict=True) if v != self.ignored})

    @property
    def entropy(self) -> float | None:
        """The loss of a net that knows how often each label occurs and nothing else; None with too few to tell."""
        if self.records < 10 * len(self.counts):
            return None
        shares = np.array(list(self.counts.values())) / self.counts.total()
        return float(-(shares * np.log(shares)).sum())

    def judge(self, layer: str) -> Finding | None:
        """What is wrong with them. A label that never occurred counts where that could hardly be chance."""
        if not self.counts:
            return None
        low, high, count = min(self.counts), max(self.counts), self.outputs
        if low == 1 and (high == count or (high == count - 1 and self._absent(1))):
            return Finding(
                "labels",
                layer,
                f"labels run from 1 to {high}, and 0 never occurs, for {count} outputs",
                "labels count from 0: subtract 1 from each",
            )
        if high >= count or low < 0:
            return Finding(
                "outputs",
                layer,
                f"labels run from {low} to {high}, and there are {count} outputs",
                f"set num_output: {high + 1} in the layer before the loss, or mend the labels",
            )
        if high + 1 < count and self._absent(count - high - 1):
            return Finding(
                "outputs",
                layer,
                f"there are {count} outputs, and labels only run from {low} to {high}",
                f"set num_output: {high + 1} in the layer before the loss, or look for missing classes",
            )
        return None

    def _absent(self, classes: int) -> bool:
        """Whether so many of the classes, if all were equally frequent, would have to have occurred."""
        return (1 - classes / self.outputs) ** self.records < UNLIKELY


def losses_with_labels(net: Net) -> list[Step]:
    return [step for step in net.steps if step.layer.type in LABELLED]
