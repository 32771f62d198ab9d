"""Average precision, from what DetectionEvaluate says of each detection."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def average_precision(rows: Array, version: str = "Integral") -> dict[int, float]:
    """The average precision of each label that has objects, from the *rows* of DetectionEvaluate for any number of
    batches (below each other, with different image numbers or not: they are not looked at).

    *version*, as the solver's ``ap_version``: ``11point`` (VOC 2007), ``MaxIntegral`` (VOC 2012) or ``Integral``.
    """
    rows = np.asarray(rows).reshape(-1, 5)
    heads, found = rows[rows[:, 0] < 0], rows[rows[:, 0] >= 0]
    result = {}
    for label in np.unique(heads[:, 1]).astype(int):
        objects = heads[heads[:, 1] == label, 2].sum()
        if objects:
            of_label = found[found[:, 1] == label]
            of_label = of_label[np.argsort(-of_label[:, 2], kind="stable")]
            right, wrong = np.cumsum(of_label[:, 3:], 0).T
            precision = right / np.maximum(right + wrong, 1)
            result[int(label)] = _area(precision, right / objects, version)
    return result


def _area(precision: Array, recall: Array, version: str) -> float:
    """What lies under the curve of *precision* over *recall*."""
    if version == "Integral":
        return float(np.sum(precision * np.diff(recall, prepend=0)))
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if version == "MaxIntegral":
        return float(np.sum(best * np.diff(recall, prepend=0)))
    if version == "11point":
        return float(np.mean([precision[recall >= level].max(initial=0) for level in np.arange(11) / 10]))
    raise ValueError(f"the average precision is 11point, MaxIntegral or Integral, not {version}")
