from __future__ import annotations

from math import prod

import numpy as np
import pytest

from cortado.engines import PoolGeometry
from cortado.engines.table import FAMILIES


def windows(spatial, out, geometry):
    """Per output: its index, the pixels of its window in row-major order, and its area up to size + pad."""
    for o in np.ndindex(*out):
        begins = [i * s - p for i, s, p in zip(o, geometry.stride, geometry.pad, strict=True)]
        ends = [min(b + k, n + p) for b, k, n, p in zip(begins, geometry.kernel, spatial, geometry.pad, strict=True)]
        area = prod(e - b for b, e in zip(begins, ends, strict=True))
        ranges = [range(max(b, 0), min(e, n)) for b, e, n in zip(begins, ends, spatial, strict=True)]
        pixels = [tuple(r[i] for r, i in zip(ranges, at, strict=True)) for at in np.ndindex(*map(len, ranges))]
        yield o, pixels, max(area, 1)


def flat(pixel, spatial):
    return int(np.ravel_multi_index(pixel, spatial))


def max_pool(x, y, mask, geometry):
    y, mask = np.zeros(y.shape), np.full(y.shape, -1, np.int32)
    for o, pixels, _ in windows(x.shape[2:], y.shape[2:], geometry):
        for n, c in np.ndindex(*x.shape[:2]):
            values = [x[(n, c, *q)] for q in pixels]
            if values:
                y[(n, c, *o)] = max(values)
                mask[(n, c, *o)] = flat(pixels[values.index(max(values))], x.shape[2:])
    return {"mask": mask, "y": y}


def max_pool_backward(dy, mask, dx, geometry):
    planes = np.zeros((*dx.shape[:2], prod(dx.shape[2:])))
    for at in np.ndindex(*dy.shape):
        if mask[at] >= 0:
            planes[(*at[:2], mask[at])] += dy[at]
    return {"dx": planes.reshape(dx.shape)}


def ave_pool(x, y, geometry):
    y = np.full(y.shape, np.nan)
    for o, pixels, area in windows(x.shape[2:], y.shape[2:], geometry):
        y[(..., *o)] = sum((x[(..., *q)] for q in pixels), np.zeros(x.shape[:2])) / area
    return {"y": y}


def ave_pool_backward(dy, dx, geometry):
    dx = np.zeros(dx.shape)
    for o, pixels, area in windows(dx.shape[2:], dy.shape[2:], geometry):
        for q in pixels:
            dx[(..., *q)] += dy[(..., *o)] / area
    return {"dx": dx}


def stochastic(x, y, mask, uniform, geometry):
    y, mask = np.zeros(y.shape), np.full(y.shape, -1, np.int32)
    for o, pixels, _ in windows(x.shape[2:], y.shape[2:], geometry):
        for n, c in np.ndindex(*x.shape[:2]):
            values = [x[(n, c, *q)] for q in pixels]
            sums = np.cumsum(values)
            enough = [i for i, v in enumerate(values) if v > 0 and sums[i] >= uniform[(n, c, *o)] * sums[-1]]
            if pixels:
                chosen = pixels[enough[0] if enough else 0]
                y[(n, c, *o)], mask[(n, c, *o)] = x[(n, c, *chosen)], flat(chosen, x.shape[2:])
    return {"mask": mask, "y": y}


def stochastic_test(x, y, geometry):
    y = np.zeros(y.shape)
    for o, pixels, _ in windows(x.shape[2:], y.shape[2:], geometry):
        for n, c in np.ndindex(*x.shape[:2]):
            values = [x[(n, c, *q)] for q in pixels]
            y[(n, c, *o)] = sum(v * v for v in values) / sum(values) if sum(values) else 0
    return {"y": y}


FORMULAS = {
    "max_pool_forward": max_pool,
    "max_pool_backward": max_pool_backward,
    "ave_pool_forward": ave_pool,
    "ave_pool_backward": ave_pool_backward,
    "stochastic_pool_forward": stochastic,
    "stochastic_pool_test_forward": stochastic_test,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "max_pool_forward"])
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_max_pool_meets_its_formula(dtype, check):
    lowest = np.finfo(dtype).min

    def formula(x, y, mask, geometry):
        want = max_pool(x, y, mask, geometry)
        y = np.where(want["mask"] < 0, lowest, want["y"])
        return {"y": y} if mask is None else {"mask": want["mask"], "y": y}

    check("max_pool_forward", formula, dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["pooling"]}


def pool(engine, x, geometry):
    y = np.empty((*x.shape[:2], *geometry.output_size(x.shape[2:])), x.dtype)
    mask = np.empty(y.shape, np.int32)
    engine.max_pool_forward(x, y, mask, geometry)
    return y, mask


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf, np.finfo(np.float32).min])
def test_a_plane_of_one_strange_value_gives_it_and_a_mask_inside_every_window(engine, value):
    x, geometry = np.full((1, 1, 5, 5), value, np.float32), PoolGeometry((3, 3), (2, 2), (1, 1))
    y, mask = pool(engine, x, geometry)
    np.testing.assert_array_equal(y, np.full(y.shape, value, np.float32))
    for o, pixels, _ in windows((5, 5), y.shape[2:], geometry):
        number = -1 if np.isnan(value) else 0
        assert mask[(0, 0, *o)] == flat(pixels[number], (5, 5))


def test_one_nan_wins_its_windows_and_no_others(engine):
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    x[0, 0, 0, 1] = np.nan
    y, mask = pool(engine, x, PoolGeometry((2, 2), (2, 2)))
    np.testing.assert_array_equal(y.ravel(), [np.nan, 7, 13, 15])
    np.testing.assert_array_equal(mask.ravel(), [1, 7, 13, 15])


def test_stochastic_pool_draws_in_proportion_to_the_values(engine):
    geometry, random = PoolGeometry((1, 4), (1, 4)), np.random.default_rng(3)
    x = np.tile(np.array([1, 0, 3, 4], np.float32), (1, 1, 20000, 1))
    y, mask = np.empty((1, 1, 20000, 1), np.float32), np.empty((1, 1, 20000, 1), np.int32)
    engine.stochastic_pool_forward(x, y, mask, random.uniform(size=y.shape).astype(np.float32), geometry)
    share = np.bincount(mask.ravel() % 4, minlength=4) / 20000
    np.testing.assert_allclose(share, [1 / 8, 0, 3 / 8, 1 / 2], atol=0.02)
    np.testing.assert_array_equal(y.ravel(), x.reshape(-1)[mask.ravel()])


def test_stochastic_pool_stops_where_the_sum_is_reached_exactly(engine):
    x, geometry = np.array([[[1, 0, 2, 1]]], np.float32), PoolGeometry((4,))
    y, mask = np.empty((1, 1, 1), np.float32), np.empty((1, 1, 1), np.int32)
    for uniform, pixel in ((0, 0), (0.25, 0), (0.5, 2), (0.75, 2), (0.875, 3)):
        engine.stochastic_pool_forward(x, y, mask, np.full_like(y, uniform), geometry)
        assert mask.item() == pixel


def test_stochastic_pool_lets_a_nan_through(engine):
    x, geometry = np.ones((1, 1, 2, 4), np.float32), PoolGeometry((2, 2), (2, 2))
    x[0, 0, 1, 1] = np.nan
    y, mask = np.empty((1, 1, 1, 2), np.float32), np.empty((1, 1, 1, 2), np.int32)
    engine.stochastic_pool_forward(x, y, mask, np.zeros_like(y), geometry)
    np.testing.assert_array_equal(y.ravel(), [np.nan, 1])
    np.testing.assert_array_equal(mask.ravel(), [0, 2])
