import numpy as np
import pytest

from cortado.errors import ParameterError
from cortado.testing import check_gradient, make_layer

VARIANTS = [
    ("", np.e, 1, 0),
    ("base: 2", 2, 1, 0),
    ("base: 0.5", 0.5, 1, 0),
    ("base: 10 scale: 0.5 shift: -1", 10, 0.5, -1),
]
VARIANTS += [("scale: -2 shift: 0.25", np.e, -2, 0.25), ("base: 1", 1, 1, 3), ("scale: 0 shift: 2", np.e, 0, 2)]


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize(("param", "base", "scale", "shift"), VARIANTS)
def test_forward(param, base, scale, shift):
    x = draw(3, 4)
    (y,) = make_layer(f'type: "Exp" exp_param {{ {param} }}', [x]).forward()
    np.testing.assert_allclose(y, base ** (shift + scale * x))


@pytest.mark.parametrize("param", [v[0] for v in VARIANTS])
@pytest.mark.parametrize("top", ["y", "x"])
def test_gradient(param, top):
    check_gradient(f'layer {{ type: "Exp" bottom: "x" top: "{top}" exp_param {{ {param} }} }}', [draw(2, 3, 4)])


@pytest.mark.parametrize("base", ["0", "-2", "nan"])
def test_base_is_checked(base):
    with pytest.raises(ParameterError, match=r"layer\.prototxt:3:1: .*base must be above 0, or -1 for e"):
        make_layer(f'layer {{ type: "Exp" bottom: "x" top: "y"\nexp_param {{\nbase: {base} }} }}', [draw(2)])


def test_too_large_is_infinite():
    (y,) = make_layer('type: "Exp"', [[1000.0, -1000.0]]).forward()
    np.testing.assert_array_equal(y, [np.inf, 0])
