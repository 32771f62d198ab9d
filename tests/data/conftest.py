"""Small databases and images for the tests of data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cortado.data import array_to_datum, create_source

Maker = Callable[..., Path]


@pytest.fixture
def database(tmp_path: Path) -> Maker:
    """Writes arrays (C x H x W) as a database and returns its path."""

    def make(
        arrays: Sequence[np.ndarray], labels: Sequence[int] | None = None, name: str = "db", backend: str = "LMDB"
    ) -> Path:
        path = tmp_path / name
        with create_source(backend, path) as writer:
            for number, array in enumerate(arrays):
                label = number if labels is None else labels[number]
                writer.put(b"%08d" % number, array_to_datum(array, label).SerializeToString())
        return path

    return make


@pytest.fixture
def photo() -> np.ndarray:
    """A smooth image with a little noise, H x W x 3, blue first."""
    y, x = np.mgrid[:24, :30]
    smooth = np.stack([x * 8, y * 10, x * 4 + y * 5], -1)
    return (smooth + np.random.default_rng(3).integers(0, 8, smooth.shape)).clip(0, 255).astype(np.uint8)
