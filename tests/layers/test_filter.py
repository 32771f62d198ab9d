import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

SELECTORS = [[1, 0, 1, 0, 1], [1, 2, -3, 0.5, 7], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


def block(bottoms):
    names = "".join(f'bottom: "x{i}" ' for i in range(bottoms)) + "".join(f'top: "y{i}" ' for i in range(bottoms - 1))
    return f'layer {{ type: "Filter" {names} }}'


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("axes", [1, 4])
def test_rows_that_are_not_marked_are_left_out(selector, axes):
    x, z = draw(5, 2, 3), draw(5)
    s = np.array(selector, float).reshape(5, *[1] * (axes - 1))
    y0, y1 = make_layer(block(3), [x, z, s]).forward()
    np.testing.assert_array_equal(y0, x[np.array(selector) != 0])
    np.testing.assert_array_equal(y1, z[np.array(selector) != 0])


@pytest.mark.parametrize("selector", SELECTORS)
def test_gradient(selector):
    check_gradient(block(3), [draw(5, 2), draw(5), np.array(selector, float)], check_bottoms=[0, 1])


def test_one_bottom_of_several():
    run = make_layer(block(3), [draw(3), draw(3, 2), [1.0, 0.0, 1.0]])
    run.forward()
    for blob in run.bottom:
        blob.diff[...] = np.nan
    dx, dz, ds = run.backward([1, 2], [[3, 4], [5, 6]], propagate_down=[False, True, True])
    assert np.isnan(dx).all()
    np.testing.assert_array_equal(dz, [[3, 4], [0, 0], [5, 6]])
    assert not ds.any()


def test_shapes_before_the_first_forward_are_those_of_the_bottoms():
    run = make_layer(block(2), [draw(5, 2), np.zeros(5)])
    assert run.top[0].shape == (5, 2)
    assert run.forward()[0].shape == (0, 2)
    assert run.forward(draw(3, 2), np.ones(3))[0].shape == (3, 2)


def test_errors():
    with pytest.raises(ShapeError, match=r"the selector, .* \(num\) or \(num, 1, ...\); got 'x1' 5x2"):
        make_layer(block(2), [draw(5, 2), np.zeros((5, 2))])
    with pytest.raises(ShapeError, match="as many rows as the selector"):
        make_layer(block(2), [draw(4, 2), np.zeros(5)])
    with pytest.raises(ParameterError, match=r"one top for each bottom but the last \(2\); got 1"):
        make_layer('layer { type: "Filter" bottom: "a" bottom: "b" bottom: "s" top: "y" }', [draw(2), draw(2), draw(2)])


def test_the_selector_is_the_bottom_without_a_gradient():
    assert make_layer(block(3), [draw(5, 2), draw(5), np.ones(5)]).differentiable() == [True, True, False]
