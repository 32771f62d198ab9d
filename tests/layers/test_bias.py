import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

# parameters, and the shape of the bias for x of shape 2 x 3 x 4 x 5
LEARNED = [
    ("", (3,)),
    ("axis: 0", (2,)),
    ("axis: -1", (5,)),
    ("num_axes: 2", (3, 4)),
    ("axis: 0 num_axes: 2", (2, 3)),
    ("num_axes: -1", (3, 4, 5)),
    ("axis: 0 num_axes: -1", (2, 3, 4, 5)),
    ("num_axes: 0", ()),
]
SECOND = [("", (3,)), ("", (3, 4, 5)), ("axis: 0", (2, 3)), ("axis: -2", (4, 5)), ("axis: 2", (4,)), ("axis: 7", ())]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def spread(bias, param, axes=4):
    """The bias with as many axes as x."""
    axis = int(param.split()[1]) % axes if param.startswith("axis") and bias.ndim else 1
    return bias.reshape((1,) * axis + bias.shape + (1,) * (axes - axis - bias.ndim)) if bias.ndim else bias


@pytest.mark.parametrize(("param", "shape"), LEARNED)
def test_learned(param, shape):
    x, bias = draw(2, 3, 4, 5), draw(*shape, seed=1)
    run = make_layer(f'type: "Bias" bias_param {{ {param} }}', [x])
    assert run.layer.blobs[0].shape == shape
    assert not run.layer.blobs[0].data.any()
    run.layer.blobs[0].data = bias
    np.testing.assert_allclose(run.forward()[0], x + spread(bias, param))


@pytest.mark.parametrize(("param", "shape"), SECOND)
def test_second_bottom(param, shape):
    x, bias = draw(2, 3, 4, 5), draw(*shape, seed=1)
    run = make_layer(f'type: "Bias" bias_param {{ {param} }}', [x, bias])
    assert not run.layer.blobs
    np.testing.assert_allclose(run.forward()[0], x + spread(bias, param))


@pytest.mark.parametrize("param", [v[0] for v in LEARNED])
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient_learned(param, top):
    check_gradient(f'layer {{ type: "Bias" bottom: "x" top: "{top}" bias_param {{ {param} }} }}', [draw(2, 3, 2, 2)])


@pytest.mark.parametrize(("param", "shape"), [("", (3,)), ("axis: 0", (2, 3)), ("axis: 0", ()), ("axis: 0", (2, 3, 2))])
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient_second_bottom(param, shape, top):
    text = f'layer {{ type: "Bias" bottom: "x" bottom: "b" top: "{top}" bias_param {{ {param} }} }}'
    check_gradient(text, [draw(2, 3, 2), draw(*shape, seed=1)])


def test_wrong_axes():
    x = draw(2, 3, 4)
    with pytest.raises(ShapeError, match=r"layer\.prototxt:1:\d+: layer 'layer' \(Bias\): axis must be in \[-3, 2\]"):
        make_layer('type: "Bias" bias_param { axis: 3 }', [x])
    with pytest.raises(ShapeError, match="must lie within the bottom's axes; got 'x0' 2x3x4"):
        make_layer('type: "Bias" bias_param { axis: 1 num_axes: 3 }', [x])
    with pytest.raises(ParameterError, match="num_axes must be at least -1; got -2"):
        make_layer('type: "Bias" bias_param { num_axes: -2 }', [x])
    with pytest.raises(ShapeError, match="'x0' 2x3x4, 'x1' 4"):
        make_layer('type: "Bias"', [x, draw(4)])


def test_learned_shape_stays():
    run = make_layer('type: "Bias"', [draw(2, 3)])
    assert run.forward(draw(4, 3, 2))[0].shape == (4, 3, 2)
    with pytest.raises(ShapeError, match="the bias must have the sizes"):
        run.forward(draw(4, 5))
