"""GELU: its values, its slope, and how near the approximation by tanh is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer

X = np.linspace(-6, 6, 121)


def test_forward_is_x_times_the_normal_distribution():
    (y,) = make_layer('type: "GELU"', [X]).forward()
    np.testing.assert_allclose(y, [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in X], rtol=1e-9, atol=1e-15)


def test_tanh_is_near():
    (exact,) = make_layer('type: "GELU"', [X]).forward()
    (near,) = make_layer('type: "GELU" gelu_param { form: TANH }', [X]).forward()
    t = np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3))
    np.testing.assert_allclose(near, X / 2 * (1 + t))
    assert 1e-4 < np.abs(near - exact).max() < 5e-4


@pytest.mark.parametrize("form", ["EXACT", "TANH"])
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(form, top):
    check_gradient(f'layer {{ type: "GELU" bottom: "x" top: "{top}" gelu_param {{ form: {form} }} }}', [X[::9]])


@pytest.mark.parametrize("form", ["EXACT", "TANH"])
def test_far_out_it_is_a_line_or_zero(form):
    x = np.array([-1e30, -50, 50, 1e30], np.float32)
    run = make_layer(f'type: "GELU" gelu_param {{ form: {form} }}', [x], dtype=np.float32)
    np.testing.assert_array_equal(run.forward()[0], np.maximum(x, 0))
    np.testing.assert_array_equal(run.backward(np.ones(4))[0], [0, 0, 1, 1])
