"""Kernels that take long arrays in pieces: right, and the same to the last bit whatever the number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cortado.engines import ConvGeometry, get_engine

ROWS = {"one long row": (1, 150_001), "few long rows": (3, 70_000), "many rows": (40, 1_003)}


def with_threads(native: Any, call: Callable[[], Any]) -> Any:
    """What *call* gives on one thread, after it gave the same on two and three."""
    before = native.threads
    try:
        found = []
        for threads in (3, 2, 1):
            native.set_threads(threads)
            found.append(call())
    finally:
        native.set_threads(before)
    for other in found[:2]:
        np.testing.assert_equal(other, found[2])
    return found[2]


@pytest.mark.parametrize("shape", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("normalize_variance", [True, False])
def test_mvn(shape: tuple[int, int], normalize_variance: bool, native: Any, rng: np.random.Generator) -> None:
    x, dy = (rng.normal(size=shape) + 30).astype(np.float32), rng.normal(size=shape).astype(np.float32)

    def passes(engine: Any, dtype: Any) -> list[Any]:
        y, dx, mean, std = (np.zeros(size, dtype) for size in (shape, shape, shape[0], shape[0]))
        engine.mvn_forward(x.astype(dtype), y, mean, std, 1e-9, normalize_variance)
        engine.mvn_backward(y, std, dy.astype(dtype), dx, 1e-9, normalize_variance)
        return [y, mean, std, dx]

    got = with_threads(native, lambda: passes(native, np.float32))
    for found, wanted in zip(got, passes(get_engine("reference"), np.float64), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("ignore", [None, 0, 1])
def test_sigmoid_cross_entropy(ignore: int | None, native: Any, rng: np.random.Generator) -> None:
    x, target = rng.normal(size=100_003).astype(np.float32), rng.integers(-2, 3, 100_003).astype(np.float32) * 0.75
    total, count = with_threads(native, lambda: native.sigmoid_cross_entropy_forward(x, target, ignore))
    wide = get_engine("reference").sigmoid_cross_entropy_forward(x.astype(float), target.astype(float), ignore)
    assert count == wide[1]
    assert total == pytest.approx(wide[0], rel=1e-6)
    assert (type(total), type(count)) == (float, int)


@pytest.mark.parametrize("ignore", [2**24, -(2**24), 2**23 + 1, -1, 0, 3])
def test_a_target_is_ignored_if_it_is_the_label_without_its_fraction(ignore: int, native: Any) -> None:
    near = [float(ignore) + step for step in (-2, -1, -0.75, -0.25, 0, 0.25, 0.75, 1, 2)]
    target = np.array([*near, np.nan, np.inf, -np.inf], np.float32)
    x = np.zeros_like(target)
    kept = [int(native.sigmoid_cross_entropy_forward(x[i:][:1], target[i:][:1], ignore)[1]) for i in range(len(target))]
    np.testing.assert_array_equal(kept, np.trunc(target) != ignore)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_columns_of_wide_images(stride: int, native: Any, rng: np.random.Generator) -> None:
    geometry = ConvGeometry((3, 5), (stride, stride), (1, 2), (1, 2), groups=4)  # which divide nothing here
    x = rng.normal(size=(5, 3, 37, 69)).astype(np.float32)
    out = geometry.output_size(x.shape[2:])
    dcol = rng.normal(size=(5, 3 * 15, *out)).astype(np.float32)

    def passes(engine: Any) -> list[Any]:
        col, dx = np.full_like(dcol, np.nan), np.full_like(x, np.nan)
        engine.im2col(x, col, geometry)
        engine.col2im(dcol, dx, geometry)
        return [col, dx]

    col, dx = with_threads(native, lambda: passes(native))
    wanted_col, wanted_dx = passes(get_engine("reference"))
    np.testing.assert_array_equal(col, wanted_col)
    np.testing.assert_allclose(dx, wanted_dx, rtol=1e-5, atol=1e-5)
