"""Mish: its values and slope."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer


def test_forward():
    x = np.linspace(-20, 20, 81)
    (y,) = make_layer('type: "Mish"', [x]).forward()
    np.testing.assert_allclose(y, x * np.tanh(np.log1p(np.exp(x))))


@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(top, rng):
    check_gradient(f'layer {{ type: "Mish" bottom: "x" top: "{top}" }}', [rng.normal(size=(3, 4)) * 3])


def test_large_inputs_do_not_overflow():
    x = np.array([-1e30, -200, 200, 1e30], np.float32)
    run = make_layer('type: "Mish"', [x], dtype=np.float32)
    np.testing.assert_array_equal(run.forward()[0], np.maximum(x, 0))
    np.testing.assert_array_equal(run.backward(np.ones(4))[0], [0, 0, 1, 1])
