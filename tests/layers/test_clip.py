import numpy as np
import pytest

from cortado.errors import ParameterError, ParseError
from cortado.testing import check_gradient, make_layer


def block(low, high, top="y"):
    return f'layer {{ type: "Clip" bottom: "x" top: "{top}" clip_param {{ min: {low} max: {high} }} }}'


@pytest.mark.parametrize("top", ["x", "y"])
def test_bounds_pass_the_gradient(top):
    run = make_layer(block(-1, 2, top), [[-2.0, -1.0, 0.0, 2.0, 3.0]])
    np.testing.assert_array_equal(run.forward()[0], [-1, -1, 0, 2, 2])
    np.testing.assert_array_equal(run.backward([7.0] * 5)[0], [0, 7, 7, 7, 0])


@pytest.mark.parametrize("bounds", [(-1, 1), (-0.25, 2), (0.5, 0.5)])
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(bounds, top):
    check_gradient(block(*bounds, top), [np.random.default_rng(0).normal(size=(2, 3, 4))], skip_kinks=True)


def test_both_bounds_are_required():
    with pytest.raises(ParseError, match="max"):
        make_layer('type: "Clip" clip_param { min: 0 }', [[1.0]])
    with pytest.raises(ParameterError, match="needs both min and max"):
        make_layer('type: "Clip"', [[1.0]])


def test_bounds_in_the_wrong_order():
    with pytest.raises(ParameterError, match=r"layer\.prototxt:1:\d+: .*min must not be above max; got min 3, max 1"):
        make_layer(block(3, 1), [[1.0]])


def test_nan_stays():
    assert np.isnan(make_layer(block(0, 1), [[np.nan]]).forward()[0]).all()
