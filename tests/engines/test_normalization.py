from __future__ import annotations

import numpy as np
import pytest

from cortado.engines.table import FAMILIES


def across(x, size):
    """The sum over the size channels around each, channel by channel."""
    half, channels = size // 2, x.shape[1]
    sums = [x[:, max(0, c - half) : c + half + 1].sum(axis=1) for c in range(channels)]
    return np.stack(sums, axis=1)


def within(x, size):
    """The sum over the window around each pixel, pixel by pixel."""
    half, total = size // 2, np.zeros(x.shape)
    for at in np.ndindex(*x.shape[2:]):
        window = tuple(slice(max(0, i - half), i + half + 1) for i in at)
        total[(..., *at)] = x[(..., *window)].sum(axis=tuple(range(2, x.ndim)))
    return total


def lrn_across(x, y, scale, size, alpha, beta, k):
    scale = k + alpha / size * across(x * x, size)
    return {"scale": scale, "y": x / scale**beta}


def lrn_within(x, y, scale, size, alpha, beta):
    scale = 1 + alpha / size ** (x.ndim - 2) * within(x * x, size)
    return {"scale": scale, "y": x / scale**beta}


def lrn_across_backward(x, y, scale, dy, dx, size, alpha, beta, k):
    return {"dx": dy / scale**beta - 2 * alpha * beta / size * x * across(dy * y / scale, size)}


def lrn_within_backward(x, y, scale, dy, dx, size, alpha, beta):
    weight = alpha / size ** (x.ndim - 2)
    return {"dx": dy / scale**beta - 2 * weight * beta * x * within(dy * y / scale, size)}


def average(x):
    """The average per channel, as [C, 1]; 0 for an empty batch."""
    return np.array([x[:, c].mean() if x.size else 0.0 for c in range(x.shape[1])])[:, None]


def statistics(x, mean, var):
    return {"mean": average(x)[:, 0], "var": average((x - average(x)) ** 2)[:, 0]}


def batch_norm(x, mean, var, eps, y, xhat):
    y = (x - mean[:, None]) / np.sqrt(var + eps)[:, None]
    return {"y": y} if xhat is None else {"y": y, "xhat": y}


def batch_norm_backward(xhat, var, eps, dy, dx):
    return {"dx": (dy - average(dy) - xhat * average(dy * xhat)) / np.sqrt(var + eps)[:, None]}


def chain(x, eps, scale, bias, slope, mean, var, y, xhat):
    moments = statistics(x, mean, var)
    xhat = batch_norm(x, moments["mean"], moments["var"], eps, y, None)["y"]
    y = xhat * scale[:, None] + (0 if bias is None else bias[:, None])
    return moments | {"xhat": xhat, "y": y if slope is None else np.where(y > 0, y, slope * y)}


def chain_backward(xhat, y, var, eps, scale, slope, dy, dx, dscale, dbias):
    g = dy if slope is None else dy * np.where(y > 0, 1, slope)
    sums = {"dscale": dscale + np.einsum("oci,oci->c", xhat, g)}
    if dbias is not None:
        sums["dbias"] = dbias + np.einsum("oci->c", g)
    return sums | batch_norm_backward(xhat, var, eps, g * scale[:, None], dx)


def mvn(x, y, mean, std, eps, normalize_variance):
    mean = x.mean(axis=1, keepdims=True)
    if not normalize_variance:
        return {"y": x - mean, "mean": mean[:, 0]}
    std = x.std(axis=1, keepdims=True)
    return {"y": (x - mean) / (std + eps), "mean": mean[:, 0], "std": std[:, 0]}


def mvn_backward(y, std, dy, dx, eps, normalize_variance):
    centred = dy - dy.mean(axis=1, keepdims=True)
    if not normalize_variance:
        return {"dx": centred}
    return {"dx": (centred - y * (dy * y).mean(axis=1, keepdims=True)) / (std + eps)[:, None]}


FORMULAS = {
    "lrn_across_forward": lrn_across,
    "lrn_across_backward": lrn_across_backward,
    "lrn_within_forward": lrn_within,
    "lrn_within_backward": lrn_within_backward,
    "batch_norm_statistics": statistics,
    "batch_norm_forward": batch_norm,
    "batch_norm_backward": batch_norm_backward,
    "batch_norm_scale_forward": chain,
    "batch_norm_scale_backward": chain_backward,
    "batch_norm_backward_global": lambda var, eps, dy, dx: {"dx": dy / np.sqrt(var + eps)[:, None]},
    "mvn_forward": mvn,
    "mvn_backward": mvn_backward,
    "scale_forward": lambda x, s, b, y: {"y": x * s[:, None] + b[:, None]},
    "scale_backward_data": lambda dy, s, dx: {"dx": dy * s[:, None]},
    "scale_backward_scale": lambda x, dy, ds: {"ds": ds + np.einsum("oci,oci->c", x, dy)},
    "bias_forward": lambda x, b, y: {"y": x + b[:, None]},
    "bias_backward": lambda dy, db: {"db": db + np.einsum("oci->c", dy)},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["normalization"]}


def test_scale_works_without_a_bias(engine):
    x, y = np.ones((2, 3, 4), np.float32), np.empty((2, 3, 4), np.float32)
    engine.scale_forward(x, np.array([1, 2, 3], np.float32), None, y)
    np.testing.assert_array_equal(y[1, :, 2], [1, 2, 3])


def test_variance_far_from_zero_keeps_its_digits(engine):
    """A one-pass formula (the average of squares less the squared average) would lose all of them in float32."""
    x = (1000 + np.random.default_rng(0).normal(size=(4, 2, 500)) / 100).astype(np.float32)
    mean, var = np.empty(2, np.float32), np.empty(2, np.float32)
    engine.batch_norm_statistics(x, mean, var)
    np.testing.assert_allclose(var, x.astype(np.float64).var(axis=(0, 2)), rtol=2e-3)


def test_mvn_leaves_the_deviation_alone_when_it_is_not_wanted(engine):
    x, std = np.arange(4.0).reshape(1, 4), np.array([5.0])
    y = np.empty_like(x)
    engine.mvn_forward(x, y, np.empty(1), std, 1e-9, False)
    np.testing.assert_array_equal(y, [[-1.5, -0.5, 0.5, 1.5]])
    assert std == [5.0]


def test_a_wide_lrn_window_covers_all_channels(engine):
    x = np.ones((1, 3, 1, 1))
    y, scale = np.empty_like(x), np.empty_like(x)
    engine.lrn_across_forward(x, y, scale, 9, 9.0, 1.0, 2.0)
    np.testing.assert_allclose(scale.ravel(), [5, 5, 5])
