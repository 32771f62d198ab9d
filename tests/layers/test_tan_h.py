import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer


def test_forward():
    x = np.array([[-50.0, -1.0, 0.0], [1.0, 2.0, 50.0]])
    np.testing.assert_allclose(make_layer('type: "TanH"', [x]).forward()[0], np.tanh(x))


@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(rng, top):
    check_gradient(f'layer {{ type: "TanH" bottom: "x" top: "{top}" }}', [rng.normal(size=(2, 3, 4))])
