import numpy as np
import pytest

from cortado.errors import ParameterError
from cortado.testing import make_layer


def shapes(run):
    return [blob.shape for blob in run.top]


def test_shape_for_all_or_for_each():
    one = 'type: "Input" top: "a" top: "b" input_param { shape { dim: 2 dim: 3 } }'
    assert shapes(make_layer(one)) == [(2, 3), (2, 3)]
    two = 'type: "Input" top: "a" top: "b" input_param { shape { dim: 2 } shape { } }'
    assert shapes(make_layer(two)) == [(2,), ()]


def test_without_shapes_a_check_knows_nothing():
    run = make_layer('type: "Input" top: "a"')
    assert not run.layer.infer_shapes(run.bottom, run.top)
    run = make_layer('type: "Input" top: "a" input_param { shape { dim: 2 } }')
    assert run.layer.infer_shapes(run.bottom, run.top)


def test_the_caller_may_reshape():
    run = make_layer('type: "Input" top: "a" input_param { shape { dim: 2 } }')
    run.top[0].reshape(5, 6)
    run.layer.reshape(run.bottom, run.top)
    run.top[0].data[...] = 3
    np.testing.assert_array_equal(run.forward()[0], np.full((5, 6), 3))


def test_refused():
    text = 'type: "Input" top: "a" top: "b" top: "c" input_param { shape { dim: 1 } shape { dim: 2 } }'
    with pytest.raises(ParameterError, match=r"once per top \(3\), or not at all; got 2 times"):
        make_layer(text)
    with pytest.raises(ParameterError, match=r"sizes must not be negative; got \(2, -1\)"):
        make_layer('type: "Input" top: "a" input_param { shape { dim: 2 dim: -1 } }')
