import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_forward_has_a_slope_per_channel(shape):
    x, slopes = draw(*shape), np.array([0.5, -1.0, 2.0])
    run = make_layer('type: "PReLU"', [x])
    np.testing.assert_array_equal(run.layer.blobs[0].data, [0.25] * 3)
    run.layer.blobs[0].data = slopes
    column = slopes.reshape(3, *[1] * (len(shape) - 2))
    np.testing.assert_allclose(run.forward()[0], np.where(x > 0, x, column * x))


def test_shared_slope_has_no_axes():
    x = draw(2, 3, 4)
    run = make_layer('type: "PReLU" prelu_param { channel_shared: true filler { value: 0.5 } }', [x])
    assert run.layer.blobs[0].shape == ()
    np.testing.assert_allclose(run.forward()[0], np.where(x > 0, x, 0.5 * x))


@pytest.mark.parametrize("shared", ["true", "false"])
@pytest.mark.parametrize("top", ["x", "y"])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2, 2)])
def test_gradient(shared, top, shape):
    text = f'layer {{ type: "PReLU" bottom: "x" top: "{top}" prelu_param {{ channel_shared: {shared} }} }}'
    check_gradient(text, [draw(*shape)])


@pytest.mark.parametrize("shape", [(3,), (1, 2, 1, 1, 1)])
def test_axes_are_checked(shape):
    with pytest.raises(ShapeError, match="2 to 4 axes"):
        make_layer('type: "PReLU"', [draw(*shape)])


def test_channels_stay():
    run = make_layer('type: "PReLU"', [draw(2, 3)])
    with pytest.raises(ShapeError, match="3 channels"):
        run.forward(draw(2, 4))
    assert run.forward(draw(5, 3, 7))[0].shape == (5, 3, 7)
