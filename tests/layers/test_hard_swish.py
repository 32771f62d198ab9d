"""HardSwish: its values and slope."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer


def test_forward():
    x = np.linspace(-5, 5, 41)
    (y,) = make_layer('type: "HardSwish"', [x]).forward()
    np.testing.assert_allclose(y, x * np.clip(x + 3, 0, 6) / 6, atol=1e-15)


@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(top):
    x = np.array([-4, -3.1, -2.9, -1.5, 0, 1, 2.9, 3.1, 5])
    check_gradient(f'layer {{ type: "HardSwish" bottom: "x" top: "{top}" }}', [x])


def test_slopes_at_the_corners():
    run = make_layer('type: "HardSwish"', [np.array([-3.0, 3.0])])
    run.forward()
    np.testing.assert_array_equal(run.backward(np.ones(2))[0], [0, 1])
