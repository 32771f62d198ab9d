import numpy as np
import pytest

from cortado.errors import ParameterError
from cortado.testing import check_gradient, make_layer

VARIANTS = [("", np.e, 1, 0), ("base: 2", 2, 1, 0), ("base: 10 scale: 0.5 shift: 1", 10, 0.5, 1)]
VARIANTS += [("scale: -2 shift: 9", np.e, -2, 9), ("base: 0.5", 0.5, 1, 0)]


def draw(*shape):
    return np.random.default_rng(0).uniform(0.5, 4, size=shape)


def block(param, top="y"):
    return f'layer {{ type: "Log" bottom: "x" top: "{top}" log_param {{ {param} }} }}'


@pytest.mark.parametrize(("param", "base", "scale", "shift"), VARIANTS)
def test_forward(param, base, scale, shift):
    x = draw(3, 4)
    (y,) = make_layer(block(param), [x]).forward()
    np.testing.assert_allclose(y, np.log(shift + scale * x) / np.log(base))


@pytest.mark.parametrize("param", [v[0] for v in VARIANTS])
@pytest.mark.parametrize("top", ["y", "x"])
def test_gradient(param, top):
    check_gradient(block(param, top), [draw(2, 3, 4)])


def test_two_backwards_in_place_agree():
    run = make_layer(block("shift: 1", "x"), [draw(3)])
    run.forward()
    first = run.backward([1.0, 2.0, 3.0])[0]
    np.testing.assert_array_equal(run.backward([1.0, 2.0, 3.0])[0], first)


@pytest.mark.parametrize("base", [0, 1, -3])
def test_base_is_checked(base):
    with pytest.raises(ParameterError, match=r"layer\.prototxt:1:\d+: .*base must be above 0 and not 1"):
        make_layer(block(f"base: {base}"), [draw(2)])


def test_logarithms_that_do_not_exist():
    (y,) = make_layer(block(""), [[0.0, -1.0]]).forward()
    assert y[0] == -np.inf
    assert np.isnan(y[1])
