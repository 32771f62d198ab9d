"""Weights for a net that has none: drawn so that values keep their size through all its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..layers import Array
    from ..netdef import Net


def draw_weights(net: Net, seed: int = 0) -> None:
    """Give every learned blob of *net* random values, as trained nets have them, without training.

    Weights are normal with variance 2 / fan-in, biases and means with deviation 0.1; factors of Scale lie in 0.5 to 1,
    variances of BatchNorm in 1 to 3, so that a deep net neither fades nor overflows. A deploy net has no fillers, and
    with weights of 0 everything that it computes is equal.
    """
    rng = np.random.default_rng(seed)
    for layer in net.layers:
        for index, blob in enumerate(layer.blobs):
            blob.data[...] = _values(rng, layer.type, index, blob.shape)


def _values(rng: np.random.Generator, kind: str, index: int, shape: tuple[int, ...]) -> Array:
    if kind == "BatchNorm" and index == 1:
        return rng.uniform(1, 3, shape)
    if kind == "BatchNorm" and index == 2:
        return np.ones(shape)
    if (kind, index) in (("Scale", 0), ("BatchNorm", 3)):
        return rng.uniform(0.5, 1, shape)
    if kind == "BN" and index in (0, 3):
        return rng.uniform(0.5, 1.5, shape)
    if len(shape) > 1 and kind not in ("BatchNorm", "BN", "Scale"):
        fan_in = int(np.prod(shape)) // shape[0]
        return np.asarray(rng.normal(size=shape) * np.sqrt(2 / fan_in))
    return np.asarray(rng.normal(size=shape) * 0.1)
