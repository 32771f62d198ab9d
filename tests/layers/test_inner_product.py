import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


@pytest.mark.parametrize("transpose", ["true", "false"])
@pytest.mark.parametrize(("axis", "top"), [(1, (2, 5)), (0, (5,)), (2, (2, 3, 5)), (-1, (2, 3, 5))])
def test_forward(rng, axis, top, transpose):
    x = rng.normal(size=(2, 3, 4))
    options = f"num_output: 5 axis: {axis} transpose: {transpose}"
    run = make_layer(f'type: "InnerProduct" inner_product_param {{ {options} }}', [x])
    inputs = int(np.prod(x.shape[axis:]))
    weights, bias = run.layer.blobs
    assert weights.shape == ((inputs, 5) if transpose == "true" else (5, inputs))
    weights.data, bias.data = rng.normal(size=weights.shape), rng.normal(size=5)
    matrix = weights.data if transpose == "true" else weights.data.T
    np.testing.assert_allclose(run.forward()[0], (x.reshape(-1, inputs) @ matrix + bias.data).reshape(top))


@pytest.mark.parametrize("options", ["", "bias_term: false", "axis: 0", "axis: -1", "transpose: true"])
def test_gradient(rng, options):
    text = f'type: "InnerProduct" inner_product_param {{ num_output: 4 {options} }}'
    check_gradient(text, [rng.normal(size=(2, 3, 2))])


def test_fillers(rng):
    options = 'num_output: 3 weight_filler { type: "xavier" } bias_filler { value: 0.5 }'
    run = make_layer(f'type: "InnerProduct" inner_product_param {{ {options} }}', [rng.normal(size=(2, 12))])
    weights, bias = (blob.data for blob in run.layer.blobs)
    assert 0.1 < np.abs(weights).max() <= 0.5
    np.testing.assert_array_equal(bias, [0.5] * 3)
    bare = make_layer('type: "InnerProduct" inner_product_param { num_output: 3 }', [np.ones((2, 12))])
    assert not bare.forward()[0].any(), "without fillers all is 0"


def test_the_batch_may_change_but_not_the_items(rng):
    run = make_layer('type: "InnerProduct" inner_product_param { num_output: 3 }', [rng.normal(size=(2, 4))])
    assert run.forward(rng.normal(size=(7, 2, 2)))[0].shape == (7, 3)
    assert run.forward(np.ones((0, 4)))[0].shape == (0, 3)
    with pytest.raises(ShapeError, match=r"the weights need 4 inputs per item.*got 'x0' 2x5"):
        run.forward(rng.normal(size=(2, 5)))


def test_refused():
    with pytest.raises(ParameterError, match="num_output must be at least 1; got 0"):
        make_layer('type: "InnerProduct"', [np.ones((2, 3))])
    with pytest.raises(ShapeError, match=r"axis must be in \[-2, 1\]"):
        make_layer('type: "InnerProduct" inner_product_param { num_output: 1 axis: 2 }', [np.ones((2, 3))])
