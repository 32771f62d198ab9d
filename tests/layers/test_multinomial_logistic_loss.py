import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


def test_forward_and_backward():
    p = np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]])
    run = make_layer('type: "MultinomialLogisticLoss"', [p, [1, 0, 1]])
    np.testing.assert_allclose(run.forward()[0], -(np.log(0.8) + np.log(0.5) + np.log(1e-20)) / 3)
    np.testing.assert_allclose(run.backward(3.0)[0], [[0, -1 / 0.8], [-1 / 0.5, 0], [0, -1e20]])


def test_gradient(rng):
    p = rng.uniform(0.1, 1, size=(4, 3, 1, 1))
    check_gradient('type: "MultinomialLogisticLoss"', [p, rng.integers(0, 3, size=4)])


def test_one_label_per_item():
    with pytest.raises(ShapeError, match="one label for each of 2 items"):
        make_layer('type: "MultinomialLogisticLoss"', [np.ones((2, 3)), np.zeros((2, 3))])
