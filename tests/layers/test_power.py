import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer

VARIANTS = [
    (1, 1, 0),
    (1, 0.5, 2),
    (2, 1, 0),
    (2, -0.5, 0.25),
    (3, 1, 0),
    (0.5, 0.25, 3),
    (-1, 1, 5),
    (-0.5, 0.25, 3),
    (0, 2, 1),
    (2, 0, 3),
]


def block(power, scale, shift, top="y"):
    param = f"power_param {{ power: {power} scale: {scale} shift: {shift} }}"
    return f'layer {{ type: "Power" bottom: "x" top: "{top}" {param} }}'


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward(variant):
    power, scale, shift = variant
    x = draw(3, 4)
    np.testing.assert_allclose(make_layer(block(*variant), [x]).forward()[0], (shift + scale * x) ** power, rtol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("top", ["y", "x"])
def test_gradient(variant, top):
    check_gradient(block(*variant, top=top), [draw(2, 3, 4)])


def test_nothing_is_kept_in_place_where_the_gradient_needs_no_input():
    run = make_layer(block(1, 2, 3, top="x"), [draw(3, 4)])
    run.forward()
    assert run.layer._kept.nbytes == 0


def test_zero_to_the_zero_is_one():
    run = make_layer(block(0, 1, 0), [[0.0, 2.0]])
    np.testing.assert_array_equal(run.forward()[0], [1, 1])
    np.testing.assert_array_equal(run.backward([3.0, 3.0])[0], [0, 0])


def test_negative_base_with_fractional_power_is_nan():
    (y,) = make_layer(block(0.5, 1, 0), [[-1.0, 4.0]]).forward()
    assert np.isnan(y[0])
    assert y[1] == 2
