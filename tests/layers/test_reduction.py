import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer

OPERATIONS = {
    "SUM": np.sum,
    "ASUM": lambda x, axis: np.abs(x).sum(axis),
    "SUMSQ": lambda x, axis: (x * x).sum(axis),
    "MEAN": np.mean,
}


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


def block(operation, param=""):
    return f'type: "Reduction" reduction_param {{ operation: {operation} {param} }}'


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("coeff", [1, -0.5])
def test_forward(operation, axis, coeff):
    x = draw(3, 4, 5)
    (y,) = make_layer(block(operation, f"axis: {axis} coeff: {coeff}"), [x]).forward()
    np.testing.assert_allclose(y, coeff * OPERATIONS[operation](x, tuple(range(axis % 3, 3))))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("coeff", [1, -0.5])
def test_gradient(operation, axis, coeff):
    check_gradient(block(operation, f"axis: {axis} coeff: {coeff}"), [draw(2, 3, 4)], skip_kinks=True)


def test_sum_over_everything_has_no_axes():
    run = make_layer('type: "Reduction"', [draw(2, 3)])
    assert run.top[0].shape == ()


def test_gradient_of_a_size_at_zero_is_zero():
    run = make_layer(block("ASUM"), [[0.0, -2.0]])
    run.forward()
    np.testing.assert_array_equal(run.backward(3)[0], [0, -3])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_empty_rows_and_batches(operation):
    run = make_layer(block(operation, "axis: 1"), [draw(2, 3)])
    np.testing.assert_array_equal(run.forward(np.zeros((2, 0)))[0], [0, 0])
    assert run.forward(np.zeros((0, 3)))[0].shape == (0,)
    assert run.backward(np.zeros(0))[0].shape == (0, 3)


def test_axis_is_checked():
    with pytest.raises(ShapeError, match=r"layer\.prototxt:1:\d+: .*axis must be in \[-2, 1\]"):
        make_layer(block("SUM", "axis: 2"), [draw(2, 3)])
