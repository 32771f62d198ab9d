import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("alpha", [1, 0.5, 0, -0.5])
def test_forward(alpha):
    x = draw(3, 4)
    (y,) = make_layer(f'type: "ELU" elu_param {{ alpha: {alpha} }}', [x]).forward()
    np.testing.assert_allclose(y, np.where(x > 0, x, alpha * (np.exp(x) - 1)))


@pytest.mark.parametrize("alpha", [1, 0.5, 0, -0.5])
@pytest.mark.parametrize("top", ["y", "x"])
def test_gradient(alpha, top):
    text = f'layer {{ type: "ELU" bottom: "x" top: "{top}" elu_param {{ alpha: {alpha} }} }}'
    check_gradient(text, [draw(2, 3, 4)])
