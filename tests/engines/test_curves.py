from __future__ import annotations

import math

import numpy as np
import pytest

from cortado.engines.table import FAMILIES

SHARE = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2, otypes=[float])
ROOT = math.sqrt(2 / math.pi)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gate(x):
    return np.tanh(np.log(1 + np.exp(x)))


def mish_slope(x):
    return gate(x) + x * (1 - gate(x) ** 2) * sigmoid(x)


def hard_swish_slope(x):
    return np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5))


def cubic(x):
    return np.tanh(ROOT * (x + 0.044715 * x**3))


def cubic_slope(x):
    return (1 + cubic(x)) / 2 + x / 2 * (1 - cubic(x) ** 2) * ROOT * (1 + 3 * 0.044715 * x**2)


FORMULAS = {
    "clip_forward": lambda x, y, low, high: {"y": np.minimum(np.maximum(x, low), high)},
    "clip_backward": lambda x, dy, dx, low, high: {"dx": np.where((low <= x) & (x <= high), dy, 0)},
    "hard_sigmoid_forward": lambda x, y, alpha, beta: {"y": np.minimum(np.maximum(alpha * x + beta, 0), 1)},
    "hard_sigmoid_backward": lambda y, dy, dx, alpha: {"dx": np.where((y > 0) & (y < 1), alpha * dy, 0)},
    "hard_swish_forward": lambda x, y: {"y": x * np.minimum(np.maximum(x / 6 + 0.5, 0), 1)},
    "hard_swish_backward": lambda x, dy, dx: {"dx": dy * hard_swish_slope(x)},
    "mish_forward": lambda x, y: {"y": x * gate(x)},
    "mish_backward": lambda x, dy, dx: {"dx": dy * mish_slope(x)},
    "gelu_forward": lambda x, y: {"y": x * SHARE(x)},
    "gelu_backward": lambda x, dy, dx: {"dx": dy * (SHARE(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))},
    "gelu_tanh_forward": lambda x, y: {"y": x / 2 * (1 + cubic(x))},
    "gelu_tanh_backward": lambda x, dy, dx: {"dx": dy * cubic_slope(x)},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["curves"]}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["hard_swish", "mish", "gelu", "gelu_tanh"])
def test_far_out_they_are_relu(engine, dtype, name):
    x = np.array([-1e30, -1e4, -40, 40, 1e4, 1e30], dtype)
    y, one = np.empty_like(x), np.ones_like(x)
    getattr(engine, f"{name}_forward")(x, y)
    np.testing.assert_allclose(y, np.maximum(x, 0), rtol=1e-6, atol=1e-12)
    getattr(engine, f"{name}_backward")(x, one, y)
    np.testing.assert_allclose(y, x > 0, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_digits_are_kept_near_zero_and_in_the_tail(engine, dtype):
    x = np.array([-12, -5, -1e-3, 1e-8, 1e-3, 0.5, 5], dtype)
    y, exact = np.empty_like(x), x.astype(np.float64)
    engine.gelu_forward(x, y)
    np.testing.assert_allclose(y, exact * SHARE(exact), rtol=1e-5)
    engine.mish_forward(x, y)
    np.testing.assert_allclose(y, exact * np.tanh(np.log1p(np.exp(exact))), rtol=1e-6)
