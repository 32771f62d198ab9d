from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cortado.engines import ConvGeometry
from cortado.engines.table import FAMILIES


def meetings(spatial, out, geometry):
    """Every (output, tap, pixel) that meet inside the image, as three tuples of indices."""
    for p, t in product(np.ndindex(*out), np.ndindex(*geometry.kernel)):
        axes = zip(p, t, geometry.stride, geometry.pad, geometry.dilation, strict=True)
        q = tuple(o * s - pad + k * d for o, k, s, pad, d in axes)
        if all(0 <= i < n for i, n in zip(q, spatial, strict=True)):
            yield p, t, q


def groups(inputs, outputs, geometry):
    """The slices of input and output channels that belong together."""
    i, o = inputs // geometry.groups, outputs // geometry.groups
    return [(slice(g * i, g * i + i), slice(g * o, g * o + o)) for g in range(geometry.groups)]


def forward(x, w, bias, y, geometry):
    y = np.zeros(y.shape) + (0 if bias is None else bias.reshape(-1, *(1,) * (x.ndim - 2)))
    for (p, t, q), (i, o) in product(
        meetings(x.shape[2:], y.shape[2:], geometry), groups(x.shape[1], len(w), geometry)
    ):
        y[(slice(None), o, *p)] += x[(slice(None), i, *q)] @ w[(o, slice(None), *t)].T
    return {"y": y}


def fused(x, w, bias, y, add, slope, packed, geometry):
    made = forward(x, w, bias, y, geometry)["y"] + (y if add else 0)
    return {"y": made if slope is None else np.where(made > 0, made, slope * made)}


def separable(x, depthwise_w, depthwise_bias, depthwise_slope, w, bias, y, add, slope, packed, geometry):
    between = np.zeros((*x.shape[:2], *y.shape[2:]))
    between = fused(x, depthwise_w, depthwise_bias, between, False, depthwise_slope, None, geometry)["y"]
    return fused(between, w, bias, y, add, slope, packed, ConvGeometry((1,) * (x.ndim - 2)))


def backward_data(dy, w, dx, geometry):
    dx = np.zeros(dx.shape)
    spatial = dx.shape[2:]
    for (p, t, q), (i, o) in product(meetings(spatial, dy.shape[2:], geometry), groups(dx.shape[1], len(w), geometry)):
        dx[(slice(None), i, *q)] += dy[(slice(None), o, *p)] @ w[(o, slice(None), *t)]
    return {"dx": dx}


def backward_weights(x, dy, dw, db, geometry):
    total = {} if db is None else {"db": db + dy.sum(axis=(0, *range(2, dy.ndim)))}
    if dw is None:
        return total
    for (p, t, q), (i, o) in product(
        meetings(x.shape[2:], dy.shape[2:], geometry), groups(x.shape[1], len(dw), geometry)
    ):
        dw[(o, slice(None), *t)] += dy[(slice(None), o, *p)].T @ x[(slice(None), i, *q)]
    return total | {"dw": dw}


def im2col(x, col, geometry):
    col = np.zeros((*x.shape[:2], *geometry.kernel, *col.shape[2:]))
    for p, t, q in meetings(x.shape[2:], col.shape[2 + len(geometry.kernel) :], geometry):
        col[(..., *t, *p)] = x[(..., *q)]
    return {"col": col.reshape(len(x), x.shape[1] * geometry.taps, *col.shape[2 + len(geometry.kernel) :])}


def col2im(x, col, geometry):
    taps = col.reshape(*x.shape[:2], *geometry.kernel, *col.shape[2:])
    x = np.zeros(x.shape)
    for p, t, q in meetings(x.shape[2:], col.shape[2:], geometry):
        x[(..., *q)] += taps[(..., *t, *p)]
    return {"x": x}


FORMULAS = {
    "conv_forward": forward,
    "conv_fused": fused,
    "conv_separable": separable,
    "conv_backward_data": backward_data,
    "conv_backward_weights": backward_weights,
    "im2col": im2col,
    "col2im": col2im,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["convolution"]}


def test_a_batch_in_several_chunks_gives_what_single_images_give(engine, monkeypatch):
    monkeypatch.setattr("cortado.engines.reference.convolution.COLUMN_BYTES", 3000)
    random, geometry = np.random.default_rng(0), ConvGeometry((3, 3), pad=(1, 1))
    x, w = random.normal(size=(7, 2, 6, 6)), random.normal(size=(4, 2, 3, 3))
    y, dx, dw, db = np.empty((7, 4, 6, 6)), np.empty_like(x), np.zeros_like(w), np.zeros(4)
    engine.conv_forward(x, w, None, y, geometry)
    engine.conv_backward_data(y, w, dx, geometry)
    engine.conv_backward_weights(x, y, dw, db, geometry)
    np.testing.assert_allclose(y, forward(x, w, None, y, geometry)["y"], rtol=1e-12)
    np.testing.assert_allclose(dx, backward_data(y, w, dx, geometry)["dx"], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(dw, backward_weights(x, y, np.zeros_like(w), None, geometry)["dw"], rtol=1e-10)


def test_a_nan_outside_a_window_does_not_reach_it(engine):
    x, w = np.zeros((1, 1, 5, 5), np.float32), np.ones((1, 1, 2, 2), np.float32)
    x[0, 0, 4, 4] = np.nan
    y = np.empty((1, 1, 4, 4), np.float32)
    engine.conv_forward(x, w, None, y, ConvGeometry((2, 2)))
    assert np.isnan(y[0, 0, 3, 3])
    assert np.isnan(y).sum() == 1
