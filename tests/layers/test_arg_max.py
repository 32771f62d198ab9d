import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


def run_on(x, param=""):
    (y,) = make_layer(f'type: "ArgMax" argmax_param {{ {param} }}', [x]).forward()
    return y


@pytest.mark.parametrize(
    ("shape", "param", "top"),
    [
        ((4, 7), "", (4, 1, 1)),
        ((4, 7, 2), "", (4, 1, 1)),
        ((4, 7), "out_max_val: true", (4, 2, 1)),
        ((3, 2, 3, 4), "top_k: 2", (3, 1, 2, 1)),
        ((3, 2, 3, 4), "top_k: 3 out_max_val: true", (3, 2, 3, 1)),
        ((3, 2, 3, 4, 5), "", (3, 1, 1, 1, 1)),
        ((3, 2, 3, 4), "axis: 1", (3, 1, 3, 4)),
        ((3, 2, 3, 4), "axis: -1 top_k: 3", (3, 2, 3, 3)),
        ((4,), "axis: 0", (1,)),
    ],
)
def test_shapes(shape, param, top):
    assert run_on(draw(*shape), param).shape == top


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_along_an_axis(axis, k):
    x = draw(4, 5, 6)
    order = np.take(np.argsort(-x, axis=axis), range(k), axis=axis)
    np.testing.assert_array_equal(run_on(x, f"axis: {axis} top_k: {k}"), order)
    values = np.take_along_axis(x, order, axis=axis)
    np.testing.assert_array_equal(run_on(x, f"axis: {axis} top_k: {k} out_max_val: true"), values)


@pytest.mark.parametrize("k", [1, 3, 24])
def test_all_trailing_axes_together(k):
    x = draw(3, 2, 3, 4)
    rows = x.reshape(3, -1)
    order = np.argsort(-rows, axis=1)[:, :k]
    y = run_on(x, f"top_k: {k} out_max_val: true")
    np.testing.assert_array_equal(y[:, 0, :, 0], order)
    np.testing.assert_array_equal(y[:, 1, :, 0], np.take_along_axis(rows, order, axis=1))


@pytest.mark.parametrize(("k", "indices"), [(1, [3]), (3, [3, 1, 2]), (4, [3, 1, 2, 0])])
def test_of_equal_values_the_last_comes_first(k, indices):
    np.testing.assert_array_equal(run_on([[1.0, 5.0, 2.0, 5.0]], f"axis: 1 top_k: {k}")[0], indices)


@pytest.mark.parametrize("k", [0, 6])
def test_top_k_is_checked(k):
    with pytest.raises(ParameterError, match=r"layer\.prototxt:1:\d+: .*top_k must be from 1 to .*, 5; got"):
        run_on(draw(2, 5), f"top_k: {k}")


def test_axes_are_checked():
    with pytest.raises(ShapeError, match="axis must be in"):
        run_on(draw(2, 5), "axis: 2")
    with pytest.raises(ShapeError, match="at least 2 axes"):
        run_on(draw(5))


def test_no_gradient():
    run = make_layer('type: "ArgMax"', [draw(2, 5)])
    run.forward()
    assert run.differentiable() == [False]
    run.bottom[0].diff[...] = np.nan
    assert not run.backward(1, propagate_down=[True])[0].any()


def test_empty_batch():
    assert run_on(np.zeros((0, 5)), "top_k: 2").shape == (0, 1, 2)
