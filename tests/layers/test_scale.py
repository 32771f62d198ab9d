import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer

# parameters, the shape of the scale for x of shape 2 x 3 x 4 x 5, and its shape for multiplying
LEARNED = [
    ("", (3,), (3, 1, 1)),
    ("axis: 0", (2,), (2, 1, 1, 1)),
    ("axis: -1", (5,), (5,)),
    ("num_axes: 2", (3, 4), (3, 4, 1)),
    ("axis: 0 num_axes: 2", (2, 3), (2, 3, 1, 1)),
    ("num_axes: -1", (3, 4, 5), (3, 4, 5)),
    ("axis: 0 num_axes: -1", (2, 3, 4, 5), (2, 3, 4, 5)),
    ("num_axes: 0", (), ()),
]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def block(param, top="y", bottoms=1):
    names = "".join(f'bottom: "{name}" ' for name in ("x", "s")[:bottoms])
    return f'layer {{ type: "Scale" {names} top: "{top}" scale_param {{ {param} }} }}'


@pytest.mark.parametrize(("param", "shape", "spread"), LEARNED)
@pytest.mark.parametrize("bias", [False, True])
def test_learned(param, shape, spread, bias):
    x, s, b = draw(2, 3, 4, 5), draw(*shape, seed=1), draw(*shape, seed=2)
    run = make_layer(block(f"{param} bias_term: {str(bias).lower()}"), [x])
    assert [blob.shape for blob in run.layer.blobs] == [shape] * (1 + bias)
    assert (run.layer.blobs[0].data == 1).all()
    run.layer.blobs[0].data = s
    if bias:
        assert not run.layer.blobs[1].data.any()
        run.layer.blobs[1].data = b
    np.testing.assert_allclose(run.forward()[0], x * s.reshape(spread) + bias * b.reshape(spread))


@pytest.mark.parametrize("param", [v[0] for v in LEARNED])
@pytest.mark.parametrize("bias", ["", "bias_term: true"])
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient_learned(param, bias, top):
    check_gradient(block(f"{param} {bias}", top), [draw(2, 3, 2, 2)])


@pytest.mark.parametrize(("axis", "shape"), [(1, (3,)), (0, (2, 3)), (0, (2, 3, 2)), (0, ()), (-1, (2,))])
@pytest.mark.parametrize("bias", ["", "bias_term: true"])
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient_second_bottom(axis, shape, bias, top):
    check_gradient(block(f"axis: {axis} {bias}", top, bottoms=2), [draw(2, 3, 2), draw(*shape, seed=1)])


def test_second_bottom_leaves_only_the_bias_to_learn():
    x, s, b = draw(2, 3, 4), draw(3, 4, seed=1), draw(3, 4, seed=2)
    run = make_layer(block("bias_term: true", bottoms=2), [x, s])
    assert [blob.shape for blob in run.layer.blobs] == [(3, 4)]
    run.layer.blobs[0].data = b
    np.testing.assert_allclose(run.forward()[0], x * s + b)


@pytest.mark.parametrize("x", [draw(1, 3, 4), draw(2, 3)])
def test_gradient_accumulates_where_caffe_overwrites(x):
    run = make_layer(block("axis: 0 num_axes: -1"), [x])
    run.forward()
    for _ in range(3):
        run.backward(np.ones(x.shape))
    np.testing.assert_allclose(run.layer.blobs[0].diff, 3 * x)


def test_in_place_keeps_the_input_only_for_a_gradient():
    run = make_layer(block("", "x"), [draw(2, 3)])
    run.layer.param_propagate_down = [False]
    run.forward()
    assert run.layer._kept.nbytes == 0


def test_filler():
    run = make_layer(block("filler { value: 3 } bias_term: true bias_filler { value: 4 }"), [draw(2, 3)])
    assert [blob.data[0] for blob in run.layer.blobs] == [3, 4]


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"the scale must have the sizes .* from axis 1 on; got 'x' 2x3x4, 's' 4"):
        make_layer(block("", bottoms=2), [draw(2, 3, 4), draw(4)])
    with pytest.raises(ShapeError, match="axis must be in"):
        make_layer(block("axis: 4"), [draw(2, 3, 4)])
    run = make_layer(block("bias_term: true", bottoms=2), [draw(2, 3, 4), draw(3)])
    with pytest.raises(ShapeError, match="the bias must keep the shape"):
        run.forward(draw(2, 5), draw(5))
