import numpy as np
import pytest

from cortado.testing import make_layer


@pytest.mark.parametrize(("param", "y"), [("", [0, 0, 1, 1]), ("threshold: 0.5", [0, 0, 0, 1])])
@pytest.mark.parametrize("top", ["x", "y"])
def test_step(param, y, top):
    text = f'layer {{ type: "Threshold" bottom: "x" top: "{top}" threshold_param {{ {param} }} }}'
    run = make_layer(text, [[-1.0, 0.0, 0.5, 0.75]])
    np.testing.assert_array_equal(run.forward()[0], y)


def test_gradient_is_zero_where_asked_for():
    run = make_layer('type: "Threshold"', [[1.0, 2.0]])
    run.forward()
    run.bottom[0].diff[...] = np.nan
    np.testing.assert_array_equal(run.backward([1.0, 1.0], propagate_down=[True])[0], [0, 0])
    assert run.differentiable() == [False]
