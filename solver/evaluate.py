"""Evaluate: the mean outputs of a net over a number of batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..netdef.net import Net
from .metrics import TestResult, scores


def evaluate(
    net: Net, batches: int, index: int = 0, iteration: int = 0, stop: Callable[[], bool] = lambda: False
) -> TestResult | None:
    """Forward *batches* batches and average every element of every output; None when *stop* said so in between."""
    totals = {name: np.zeros(net.blobs[name].shape, np.float64) for name in net.outputs}
    loss = 0.0
    for _ in range(batches):
        if stop():
            return None
        loss += net.forward()
        for name in net.outputs:
            totals[name] += net.blobs[name].data
    means = {name: total / max(1, batches) for name, total in totals.items()}
    return TestResult(iteration, index, batches, loss / max(1, batches), scores(net, means))
