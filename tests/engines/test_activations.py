from __future__ import annotations

import numpy as np
import pytest

from cortado.engines.table import FAMILIES


def relu(x, negative_slope):
    return np.where(x > 0, x, negative_slope * x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def prelu(x, slope):
    return np.stack([relu(x[:, c], slope[c]) for c in range(x.shape[1])], axis=1)


def prelu_slope(x, dy, dslope):
    for outer, c, inner in np.ndindex(*x.shape):
        dslope[c] += dy[outer, c, inner] * x[outer, c, inner] if x[outer, c, inner] < 0 else 0
    return dslope


def power_slope(x, power, scale, shift):
    return 0 * x if power * scale == 0 else power * scale * (shift + scale * x) ** (power - 1)


FORMULAS = {
    "relu_forward": lambda x, y, negative_slope: {"y": relu(x, negative_slope)},
    "relu_backward": lambda x, dy, dx, negative_slope: {"dx": np.where(x > 0, dy, negative_slope * dy)},
    "sigmoid_forward": lambda x, y: {"y": sigmoid(x)},
    "sigmoid_backward": lambda y, dy, dx: {"dx": dy * y * (1 - y)},
    "tanh_forward": lambda x, y: {"y": (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)},
    "tanh_backward": lambda y, dy, dx: {"dx": dy * (1 - y * y)},
    "elu_forward": lambda x, y, alpha: {"y": np.where(x > 0, x, alpha * (np.exp(x) - 1))},
    "elu_backward": lambda x, y, dy, dx, alpha: {"dx": np.where(x > 0, dy, dy * (y + alpha))},
    "bnll_forward": lambda x, y: {"y": np.log(1 + np.exp(x))},
    "bnll_backward": lambda x, dy, dx: {"dx": dy * np.exp(np.minimum(x, 50)) / (np.exp(np.minimum(x, 50)) + 1)},
    "swish_forward": lambda x, y, beta: {"y": x * sigmoid(beta * x)},
    "swish_backward": lambda x, y, dy, dx, beta: {"dx": dy * (beta * y + sigmoid(beta * x) * (1 - beta * y))},
    "prelu_forward": lambda x, slope, y: {"y": prelu(x, slope)},
    "prelu_backward_data": lambda x, slope, dy, dx: {"dx": np.where(x > 0, 1, slope[:, None]) * dy},
    "prelu_backward_slope": lambda x, dy, dslope: {"dslope": prelu_slope(x, dy, dslope)},
    "power_forward": lambda x, y, power, scale, shift: {"y": (shift + scale * x) ** power},
    "power_backward": lambda x, dy, dx, **p: {"dx": dy * power_slope(x, **p)},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["activations"]}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_inputs_saturate_without_a_warning(engine, dtype):
    x = np.array([-np.inf, -1e4, -90, 0, 90, 1e4, np.inf], dtype)
    y, e90 = np.empty_like(x), np.exp(np.float64(-90))
    engine.sigmoid_forward(x, y)
    np.testing.assert_allclose(y, [0, 0, e90, 0.5, 1, 1, 1], rtol=1e-6, atol=0)
    engine.bnll_forward(x, y)
    np.testing.assert_allclose(y, [0, 0, e90, np.log(2), 90, 1e4, np.inf], rtol=1e-6, atol=0)
    engine.tanh_forward(x, y)
    np.testing.assert_array_equal(y, [-1, -1, -1, 0, 1, 1, 1])
    engine.elu_forward(x, y, 0.5)
    np.testing.assert_allclose(y, [-0.5, -0.5, -0.5, 0, 90, 1e4, np.inf], rtol=1e-6)
    engine.bnll_backward(x, np.ones_like(x), y)
    np.testing.assert_allclose(y, [0, 0, e90, 0.5, 1, 1, 1], rtol=1e-6, atol=0)


def test_relu_without_a_slope_keeps_infinity_and_zero(engine):
    x = np.array([-np.inf, -0.0, 0.0, np.inf], np.float32)
    y = np.empty_like(x)
    engine.relu_forward(x, y, 0.0)
    np.testing.assert_array_equal(y, [0, 0, 0, np.inf])


def test_relu_passes_no_gradient_at_zero(engine):
    x, dx = np.zeros(3, np.float32), np.empty(3, np.float32)
    engine.relu_backward(x, np.ones_like(x), dx, 0.25)
    np.testing.assert_array_equal(dx, 0.25)
