import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

CASES = [
    ("kernel_size: 2", (2, 3, 3, 4)),
    ("kernel_size: 3 stride: 2 pad: 1", (1, 2, 5, 5)),
    ("kernel_h: 1 kernel_w: 3 dilation: 1 dilation: 2", (1, 2, 2, 7)),
    ("kernel_size: 3", (2, 2, 5)),
]


@pytest.mark.parametrize(("options", "shape"), CASES)
def test_gradient(rng, options, shape):
    check_gradient(f'type: "Im2col" convolution_param {{ {options} }}', [rng.normal(size=shape)])


@pytest.mark.parametrize(("options", "shape"), CASES)
def test_columns_times_weights_are_a_convolution(rng, options, shape):
    x = rng.normal(size=shape)
    (columns,) = make_layer(f'type: "Im2col" convolution_param {{ {options} }}', [x]).forward()
    convolution = make_layer(f'type: "Convolution" convolution_param {{ num_output: 1 {options} }}', [x])
    weights = convolution.layer.blobs[0].data
    weights[...] = rng.normal(size=weights.shape)
    np.testing.assert_allclose(
        np.tensordot(weights.reshape(1, -1), columns, (1, 1)).swapaxes(0, 1), convolution.forward()[0], atol=1e-12
    )


def test_refused():
    with pytest.raises(ParameterError, match="kernel_size must be given"):
        make_layer('type: "Im2col"', [np.ones((1, 1, 2, 2))])
    with pytest.raises(ShapeError, match="must fit"):
        make_layer('type: "Im2col" convolution_param { kernel_size: 3 }', [np.ones((1, 1, 2, 2))])
    run = make_layer('type: "Im2col" convolution_param { kernel_size: 1 }', [np.ones((1, 1, 2, 2))])
    with pytest.raises(ShapeError, match="the number of axes must stay 4"):
        run.forward(np.ones((1, 1, 2)))
