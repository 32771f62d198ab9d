"""Peers: other programs that read the same files, and real runs of Caffe. Tests skip where a peer, or the folder of
real files that the environment variable CORTADO_ZOO names, is not there."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cortado import Net

ZOO = Path(os.environ.get("CORTADO_ZOO", "/nonexistent"))


@pytest.fixture(scope="session")
def zoo() -> Path:
    """The folder of real files."""
    if not ZOO.is_dir():
        pytest.skip("CORTADO_ZOO names no folder")
    return ZOO


def fill(net: Net, rng: np.random.Generator) -> None:
    """Learned blobs of a size that keeps activations near 1, so that a fault anywhere shows at the end."""
    for layer in net.layers:
        for index, blob in enumerate(layer.blobs):
            if layer.type == "BatchNorm":
                values = 1.0 if index == 2 else rng.uniform(0.5, 1.5, blob.shape) - (0 if index else 1)
            elif layer.type in ("Scale", "PReLU") and index == 0:
                values = rng.uniform(0.3, 1.2, blob.shape)
            elif blob.num_axes > 1:
                values = rng.standard_normal(blob.shape, np.float32) * np.sqrt(2 * blob.shape[0] / blob.count)
            else:
                values = rng.uniform(-0.1, 0.1, blob.shape)
            blob.data[...] = values


def inputs(net: Net, rng: np.random.Generator, batch: int) -> dict[str, np.ndarray]:
    """Random values for every input, of at most *batch* items."""
    found = {}
    for name in net.inputs:
        shape = net.blobs[name].shape
        found[name] = rng.standard_normal((min(shape[0], batch), *shape[1:]), np.float32)
    return found


def agree(what: str, got: np.ndarray, want: np.ndarray, tolerance: float = 1e-4) -> None:
    """Equal up to *tolerance* of the largest value; shapes may differ in how the axes are grouped."""
    assert got.size == want.size, f"{what}: {got.shape} and {want.shape}"
    assert np.isfinite(got).all(), what
    worst = float(np.abs(got.ravel() - want.ravel()).max()) if got.size else 0.0
    scale = float(np.abs(want).max()) if got.size else 1.0
    assert worst <= tolerance * max(scale, 1e-6), f"{what}: differs by {worst:g} where values reach {scale:g}"


@pytest.fixture(scope="session")
def peer() -> SimpleNamespace:
    """The helpers above."""
    return SimpleNamespace(fill=fill, inputs=inputs, agree=agree)
