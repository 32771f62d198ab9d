import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def text(options: str = "") -> str:
    return f'type: "Eltwise" eltwise_param {{ {options} }}'


@pytest.mark.parametrize("count", [2, 3])
def test_forward(rng, count):
    inputs = [rng.normal(size=(2, 3)) for _ in range(count)]
    np.testing.assert_allclose(make_layer(text(), inputs).forward()[0], np.sum(inputs, axis=0))
    np.testing.assert_allclose(make_layer(text("operation: PROD"), inputs).forward()[0], np.prod(inputs, axis=0))
    np.testing.assert_allclose(make_layer(text("operation: MAX"), inputs).forward()[0], np.max(inputs, axis=0))


def test_coefficients(rng):
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    np.testing.assert_allclose(make_layer(text("coeff: 2 coeff: -0.5"), [a, b]).forward()[0], 2 * a - 0.5 * b)


OPTIONS = [
    "",
    "coeff: 2 coeff: -0.5 coeff: 1",
    "operation: PROD",
    "operation: PROD stable_prod_grad: false",
    "operation: MAX",
]


@pytest.mark.parametrize("options", OPTIONS)
def test_gradient(rng, options):
    check_gradient(text(options), [rng.normal(size=(2, 3, 2)) for _ in range(3)])


def test_stable_product_knows_zeros():
    inputs = [[0.0, 0.0], [2.0, 0.0], [3.0, 4.0]]
    run = make_layer(text("operation: PROD"), inputs)
    run.forward()
    np.testing.assert_array_equal(run.backward([1.0, 1.0]), [[6, 0], [0, 0], [0, 0]])
    quick = make_layer(text("operation: PROD stable_prod_grad: false"), inputs)
    quick.forward()
    assert np.isnan(quick.backward([1.0, 1.0])[0]).all()


def test_maximum_of_equals():
    run = make_layer(text("operation: MAX"), [[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    run.forward()
    np.testing.assert_array_equal(run.backward([5.0, 5.0]), [[0, 5], [5, 0], [0, 0]])


def test_only_wanted_gradients_are_written(rng):
    run = make_layer(text(), [rng.normal(size=3)] * 2)
    tops = run.forward()
    run.bottom[0].diff[...] = 7
    left, right = run.backward(*tops, propagate_down=[False, True])
    assert (left == 7).all()
    np.testing.assert_array_equal(right, tops[0])


def test_refused():
    two = [np.ones((2, 3))] * 2
    with pytest.raises(ParameterError, match=r"coeff must be left out with PROD; got \[1"):
        make_layer(text("operation: PROD coeff: 1 coeff: 2"), two)
    with pytest.raises(ParameterError, match=r"given once per bottom \(2\); got 3"):
        make_layer(text("coeff: 1 coeff: 2 coeff: 3"), two)
    with pytest.raises(ShapeError, match="must have the same shape; got 'x0' 2x3, 'x1' 3x2"):
        make_layer(text(), [np.ones((2, 3)), np.ones((3, 2))])
