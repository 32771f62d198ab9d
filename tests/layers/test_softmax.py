import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_sums_to_one_along_the_axis(rng, axis):
    x = rng.normal(size=(2, 3, 4))
    (y,) = make_layer(f'type: "Softmax" softmax_param {{ axis: {axis} }}', [x]).forward()
    np.testing.assert_allclose(y, np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True))


def test_large_scores_do_not_overflow():
    (y,) = make_layer('type: "Softmax"', [[[1000.0, 0.0], [-1000.0, -1000.0]]], dtype=np.float32).forward()
    np.testing.assert_array_equal(y, [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("top", ["x", "y"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gradient(rng, top, axis):
    text = f'layer {{ type: "Softmax" bottom: "x" top: "{top}" softmax_param {{ axis: {axis} }} }}'
    check_gradient(text, [rng.normal(size=(2, 4, 3))])


def test_axis_is_checked():
    with pytest.raises(ShapeError, match=r"layer\.prototxt:1:.*axis must be in \[-1, 0\].*got 1"):
        make_layer('type: "Softmax"', [[1.0, 2.0]])


def test_shape_may_change(rng):
    run = make_layer('type: "Softmax"', [rng.normal(size=(2, 3))])
    (y,) = run.forward(rng.normal(size=(4, 5, 2)))
    np.testing.assert_allclose(y.sum(axis=1), np.ones((4, 2)))
