import numpy as np
import pytest

from cortado.errors import ParameterError
from cortado.testing import check_gradient, make_layer


def test_forward_and_backward():
    run = make_layer('type: "ReLU"', [[-2.0, 0.0, 3.0]])
    np.testing.assert_array_equal(run.forward()[0], [0, 0, 3])
    np.testing.assert_array_equal(run.backward([5.0, 6.0, 7.0])[0], [0, 0, 7])


def test_slope():
    run = make_layer('type: "ReLU" relu_param { negative_slope: 0.25 }', [[-2.0, 0.0, 3.0]])
    np.testing.assert_array_equal(run.forward()[0], [-0.5, 0, 3])
    np.testing.assert_array_equal(run.backward([4.0, 4.0, 4.0])[0], [1, 1, 4])


@pytest.mark.parametrize(("slope", "top"), [(0, "x"), (0, "y"), (0.1, "x"), (0.1, "y"), (1, "y"), (-0.5, "y")])
def test_gradient(rng, slope, top):
    text = f'layer {{ type: "ReLU" bottom: "x" top: "{top}" relu_param {{ negative_slope: {slope} }} }}'
    report = check_gradient(text, [rng.normal(size=(2, 3, 4))], skip_kinks=True)
    assert report.checked > 20


def test_a_negative_slope_is_refused_in_place():
    text = 'layer { name: "r" type: "ReLU" bottom: "x" top: "x" relu_param { negative_slope: -0.5 } }'
    with pytest.raises(
        ParameterError, match=r"layer\.prototxt:1:66: layer 'r' \(ReLU\): negative_slope must.*got -0\.5"
    ):
        make_layer(text, [[1.0]])
