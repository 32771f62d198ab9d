"""RReLU: the slopes it draws, and the one it tests with."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.errors import ParseError
from cortado.layers import Phase
from cortado.testing import check_gradient, make_layer


def test_slopes_are_drawn_evenly_for_every_element_anew():
    x = -np.ones(100_000)
    run = make_layer('type: "RReLU" rrelu_param { lower: 0.2 upper: 0.6 }', [x])
    first, second = -run.forward()[0], -run.forward()[0]
    for slopes in (first, second):
        assert slopes.min() == pytest.approx(0.2, abs=1e-3)
        assert slopes.max() == pytest.approx(0.6, abs=1e-3)
        assert slopes.mean() == pytest.approx(0.4, abs=5e-3)
        assert slopes.var() == pytest.approx(0.4**2 / 12, rel=0.02)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


def test_above_zero_nothing_happens(rng):
    x = np.abs(rng.normal(size=50))
    np.testing.assert_array_equal(make_layer('type: "RReLU"', [x]).forward()[0], x)


def test_tests_with_the_mean_slope(rng):
    x = rng.normal(size=50)
    (y,) = make_layer('type: "RReLU" rrelu_param { lower: 0.25 upper: 0.75 }', [x], phase=Phase.TEST).forward()
    np.testing.assert_array_equal(y, np.where(x > 0, x, 0.5 * x))


@pytest.mark.parametrize("phase", [Phase.TRAIN, Phase.TEST])
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(phase, top, rng):
    check_gradient(f'layer {{ type: "RReLU" bottom: "x" top: "{top}" }}', [rng.normal(size=(4, 5))], phase=phase)


def test_lower_is_not_above_upper():
    with pytest.raises(ParseError, match="lower must not be above upper"):
        make_layer('type: "RReLU" rrelu_param { lower: 0.5 }', [np.zeros(1)])
