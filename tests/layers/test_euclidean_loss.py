import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


def test_half_the_squared_distance_per_item(rng):
    a, b = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 8))
    run = make_layer('type: "EuclideanLoss"', [a, b])
    np.testing.assert_allclose(run.forward()[0], ((a.reshape(3, 8) - b) ** 2).sum() / 6)
    da, db = run.backward(1.0)
    np.testing.assert_allclose(da.reshape(3, 8), -db)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2, 2)])
def test_gradient_to_both_bottoms(rng, shape):
    report = check_gradient('type: "EuclideanLoss"', [rng.normal(size=shape), rng.normal(size=shape)])
    assert report.checked == 2 * np.prod(shape)


def test_refused():
    with pytest.raises(ShapeError, match="as many elements; got 'x0' 2x3, 'x1' 2x4"):
        make_layer('type: "EuclideanLoss"', [np.ones((2, 3)), np.ones((2, 4))])
    with pytest.raises(ShapeError, match="same first axis, the batch; got 'x0' scalar, 'x1' scalar"):
        make_layer('type: "EuclideanLoss"', [1.0, 1.0])
