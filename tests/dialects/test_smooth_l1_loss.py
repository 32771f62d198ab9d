"""SmoothL1Loss in the forms of Fast R-CNN and SSD."""

import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

RNG = np.random.default_rng(2)
A, B = RNG.normal(size=(2, 3, 4, 1, 1))
INSIDE, OUTSIDE = RNG.uniform(0.5, 2, size=(2, 3, 4, 1, 1))


def slow(a, b, inside=1.0, outside=1.0, sigma=1.0):
    d = inside * (a - b)
    near = np.abs(d) < 1 / sigma**2
    return (outside * np.where(near, (sigma * d) ** 2 / 2, np.abs(d) - 0.5 / sigma**2)).sum() / len(a)


@pytest.mark.parametrize("weights", [(), (INSIDE,), (INSIDE, OUTSIDE)])
@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_values_and_gradients(weights, sigma):
    text = f'type: "SmoothL1Loss" smooth_l1_loss_param {{ sigma: {sigma} }}'
    (loss,) = make_layer(text, [A, B, *weights]).forward()
    np.testing.assert_allclose(loss, slow(A, B, *weights, sigma=sigma))
    check_gradient(text, [A, B, *weights], skip_kinks=True)


def test_it_runs_without_its_parameters():
    (loss,) = make_layer('type: "SmoothL1Loss"', [A, B]).forward()
    np.testing.assert_allclose(loss, slow(A, B))


def test_what_it_refuses():
    with pytest.raises(ShapeError, match="same shape"):
        make_layer('type: "SmoothL1Loss"', [A, B[:, :2]])
    with pytest.raises(ParameterError, match="sigma must be greater than 0"):
        make_layer('type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 0 }', [A, B])
