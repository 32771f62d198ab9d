"""The layers of small nets: depthwise convolution, ShuffleChannel, ReLU6, Axpy."""

import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("kind", ["DepthwiseConvolution", "ConvolutionDepthwise"])
def test_depthwise_is_a_convolution_with_a_group_for_each_channel(kind):
    x, w, b = RNG.normal(size=(2, 3, 6, 5)), RNG.normal(size=(6, 1, 3, 3)), RNG.normal(size=6)
    param = "convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 %s }"
    tops = []
    for text in (f'type: "{kind}" ' + param % "", 'type: "Convolution" ' + param % "group: 3"):
        run = make_layer(text, [x])
        run.layer.blobs[0].data[...], run.layer.blobs[1].data[...] = w, b
        tops.append(run.forward()[0])
    np.testing.assert_array_equal(*tops)
    check_gradient(f'type: "{kind}" ' + param % "", [x])


def test_shuffled_channels():
    x = RNG.normal(size=(2, 6, 2, 3))
    text = 'type: "ShuffleChannel" shuffle_channel_param { group: 3 }'
    (y,) = make_layer(text, [x]).forward()
    np.testing.assert_array_equal(y, x[:, [0, 2, 4, 1, 3, 5]])
    check_gradient(text, [x])
    with pytest.raises(ParameterError, match=r"group must divide the channels .6.; got 4"):
        make_layer(text.replace("3", "4"), [x])


@pytest.mark.parametrize("in_place", [False, True])
def test_relu6(in_place):
    x = RNG.normal(size=(2, 3, 4)) * 6
    text = f'layer {{ type: "ReLU6" bottom: "x" top: "{"x" if in_place else "y"}" }}'
    (y,) = make_layer(text, [x]).forward()
    np.testing.assert_array_equal(y, np.clip(x, 0, 6))
    check_gradient(text, [x], skip_kinks=True)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1)])
def test_axpy(shape):
    a, x, b = RNG.normal(size=shape), RNG.normal(size=(2, 3, 4, 5)), RNG.normal(size=(2, 3, 4, 5))
    (y,) = make_layer('type: "Axpy"', [a, x, b]).forward()
    np.testing.assert_allclose(y, a.reshape(2, 3, 1, 1) * x + b)
    check_gradient('type: "Axpy"', [a, x, b])


def test_axpy_refuses_factors_that_do_not_fit():
    with pytest.raises(ShapeError, match="one factor for each channel"):
        make_layer('type: "Axpy"', [np.zeros((2, 3, 2, 1)), np.zeros((2, 3, 4)), np.zeros((2, 3, 4))])
