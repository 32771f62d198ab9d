import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("beta", [1, 0.5, 2, 0, -1])
def test_forward(beta):
    x = draw(3, 4)
    (y,) = make_layer(f'type: "Swish" swish_param {{ beta: {beta} }}', [x]).forward()
    np.testing.assert_allclose(y, x / (1 + np.exp(-beta * x)))


@pytest.mark.parametrize("beta", [1, 0.5, 2, 0, -1])
@pytest.mark.parametrize("top", ["y", "x"])
def test_gradient(beta, top):
    check_gradient(
        f'layer {{ type: "Swish" bottom: "x" top: "{top}" swish_param {{ beta: {beta} }} }}', [draw(2, 3, 4)]
    )
