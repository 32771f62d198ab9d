"""Batch statistics over the batches of several processes that train together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .blob import Array

Sum = Callable[[Array], object]
"""Replaces an array by its sum over the processes."""


def combine_statistics(mean: Array, var: Array, count: int, sum_over_ranks: Sum) -> int:
    """Replace *mean* and *var*, [C], of *count* elements a channel by those of all processes together; returns how many
    elements those are.

    ``mean = Σ n·mean / Σ n``, ``var = Σ n·(var + mean²) / Σ n - mean²``, in 64 bits, so that nothing is cancelled.
    """
    own = mean.astype(np.float64)
    sums = np.concatenate([own, var + own * own, [1.0]]) * count
    sum_over_ranks(sums)
    total = sums[-1]
    if not total:
        return 0
    sums /= total
    channels = mean.size
    mean[...] = sums[:channels]
    var[...] = np.maximum(sums[channels:-1] - sums[:channels] ** 2, 0)
    return int(total)


def backward_over_ranks(
    normalized: Array, var: Array, eps: float, dy: Array, dx: Array, total: int, sum_over_ranks: Sum
) -> None:
    """``dx = (dy - avg(dy) - y · avg(dy · y)) / sqrt(var[c] + eps)``, with avg over the *total* elements of a channel
    in all processes. normalized, dy, dx: [N, C, S]; var: [C]. dx may be dy."""
    channels = var.size
    sums = np.empty(2 * channels)
    sums[:channels] = dy.sum(axis=(0, 2))
    sums[channels:] = np.einsum("ncs,ncs->c", dy, normalized)
    sum_over_ranks(sums)
    sums /= max(1, total)
    average, slope = (part.astype(dx.dtype)[:, None] for part in (sums[:channels], sums[channels:]))
    scale = (1 / np.sqrt(var + eps))[:, None]
    np.subtract(dy - average, normalized * slope, out=dx)
    dx *= scale
