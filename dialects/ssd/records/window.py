"""Windows: boxes drawn at random to cut out of an image, under conditions on what they show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ....layers import Array
from ...boxes import overlaps, sizes

WHOLE = np.array([0.0, 0.0, 1.0, 1.0])
"""The window that shows all of the image."""


def draw_window(samplers: Iterable[Any], boxes: Array, rng: np.random.Generator) -> Array:
    """One of the windows that *samplers* (BatchSamplers) find, all equally likely; ``WHOLE`` where they find none.

    Each sampler tries ``max_trials`` windows and keeps the first ``max_sample`` (all, if that is not given) that meet
    its conditions with one of *boxes*.
    """
    found = [WHOLE[None][:0]]
    for sampler in samplers:
        if sampler.use_original_image:
            windows = _draw(sampler.sampler, sampler.max_trials, rng)
            windows = windows[_meet(windows, boxes, sampler.sample_constraint)]
            found.append(windows[: sampler.max_sample] if sampler.HasField("max_sample") else windows)
    windows = np.concatenate(found)
    return windows[rng.integers(len(windows))] if len(windows) else WHOLE


def jitter_window(jitter: float, rng: np.random.Generator) -> Array:
    """A window that is up to the share *jitter* smaller in either direction: all of the image in one case of five, half
    as much smaller in another."""
    change = rng.choice(3, p=(0.2, 0.2, 0.6))
    size = rng.uniform(1 - jitter * (0, 0.5, 1)[change], 1, 2)
    corner = rng.uniform(0, 1 - size)
    return np.concatenate([corner, corner + size])


def _draw(sampler: Any, count: int, rng: np.random.Generator) -> Array:
    """*count* windows of random scale, aspect ratio and place."""
    scale = rng.uniform(sampler.min_scale, sampler.max_scale, count)
    aspect = rng.uniform(sampler.min_aspect_ratio, sampler.max_aspect_ratio, count)
    root = np.sqrt(np.clip(aspect, scale**2, scale**-2))
    size = np.stack([scale * root, scale / root], 1)
    corner = rng.uniform(0, 1, (count, 2)) * np.maximum(1 - size, 0)
    return np.concatenate([corner, corner + size], 1)


def _meet(windows: Array, boxes: Array, rule: Any) -> Array:
    """For each window, whether one of *boxes* satisfies all conditions of *rule*, a SampleConstraint."""
    if not rule.ListFields():
        return np.ones(len(windows), bool)
    met = np.ones((len(windows), len(boxes)), bool)
    for name, measure in MEASURES.items():
        for edge, compare in (("min", np.greater_equal), ("max", np.less_equal)):
            if rule.HasField(f"{edge}_{name}"):
                # the numbers in the file are float32: 0.7 must be met by 0.7
                bound = np.float32(getattr(rule, f"{edge}_{name}"))
                met &= compare(measure(windows, boxes).astype(np.float32), bound)
    return np.asarray(met.any(1))


def _share(a: Array, b: Array) -> Array:
    """How much of each of *a* is covered by each of *b*."""
    corner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    common, own = np.maximum(corner, 0).prod(2), np.broadcast_to(sizes(a)[:, None], (len(a), len(b)))
    share: Array = np.divide(common, own, out=np.zeros_like(common), where=own > 0)
    return share


def coverage(boxes: Array, window: Array) -> Array:
    """How much of each of *boxes* lies in *window*."""
    return _share(boxes, window[None])[:, 0]


MEASURES: dict[str, Callable[[Array, Array], Array]] = {
    "jaccard_overlap": overlaps,
    "sample_coverage": _share,
    "object_coverage": lambda windows, boxes: _share(boxes, windows).T,
}
"""What conditions compare, for each window with each box."""
