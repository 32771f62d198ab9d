import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(1, 2, size=shape)


def block(param="", top="y"):
    return f'layer {{ type: "MVN" bottom: "x" top: "{top}" mvn_param {{ {param} }} }}'


PARAMS = ["", "across_channels: true", "normalize_variance: false", "normalize_variance: false across_channels: true"]


@pytest.mark.parametrize("param", PARAMS)
@pytest.mark.parametrize("eps", [1e-9, 0.5])
def test_forward(param, eps):
    x = draw(2, 3, 4, 5)
    axes = (1, 2, 3) if "across" in param else (2, 3)
    expected = x - x.mean(axes, keepdims=True)
    if "variance" not in param:
        expected = expected / (x.std(axes, keepdims=True) + np.float32(eps))
    (y,) = make_layer(block(f"{param} eps: {eps}"), [x]).forward()
    np.testing.assert_allclose(y, expected)


@pytest.mark.parametrize("param", PARAMS)
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(param, top):
    check_gradient(block(param, top), [draw(2, 3, 2, 4)])


@pytest.mark.parametrize(("shape", "top"), [((2, 3), (2, 3, 1, 1)), ((2, 3, 4), (2, 3, 4, 1)), ((5,), (5, 1, 1, 1))])
def test_top_has_four_axes(shape, top):
    (y,) = make_layer(block("across_channels: true"), [draw(*shape)]).forward()
    assert y.shape == top


def test_axes_are_checked():
    with pytest.raises(ShapeError, match="at most 4 axes"):
        make_layer(block(), [draw(1, 2, 3, 4, 5)])
    with pytest.raises(ShapeError, match="in place the bottom must have 4 axes"):
        make_layer(block(top="x"), [draw(2, 3)])


def test_empty_batch():
    run = make_layer(block(), [draw(2, 3, 4, 5)])
    assert run.forward(np.zeros((0, 3, 4, 5)))[0].shape == (0, 3, 4, 5)
