"""SELU: its values and slope, and its fixed point."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer


def test_forward():
    x = np.linspace(-5, 5, 101)
    (y,) = make_layer('type: "SELU"', [x]).forward()
    np.testing.assert_allclose(y, 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)))


@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(top, rng):
    check_gradient(f'layer {{ type: "SELU" bottom: "x" top: "{top}" }}', [rng.normal(size=(3, 4))])


def test_mean_0_and_variance_1_stay(rng):
    (y,) = make_layer('type: "SELU"', [rng.normal(size=1_000_000)]).forward()
    assert abs(y.mean()) < 0.005
    assert abs(y.var() - 1) < 0.005
