import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ("", (2, 60)),
        ("axis: 0", (120,)),
        ("axis: 2", (2, 3, 20)),
        ("axis: -2", (2, 3, 20)),
        ("end_axis: 2", (2, 12, 5)),
        ("axis: 0 end_axis: -3", (6, 4, 5)),
        ("axis: 3", (2, 3, 4, 5)),
    ],
)
def test_shape(rng, options, shape):
    x = rng.normal(size=(2, 3, 4, 5))
    run = make_layer(f'type: "Flatten" flatten_param {{ {options} }}', [x])
    np.testing.assert_array_equal(run.forward()[0], x.reshape(shape))
    assert np.shares_memory(run.bottom[0].data, run.top[0].data)


def test_gradient(rng):
    check_gradient('type: "Flatten"', [rng.normal(size=(2, 3, 2))])


def test_refused():
    with pytest.raises(ParameterError, match=r"end_axis must not be before axis \(2\); got 1"):
        make_layer('type: "Flatten" flatten_param { axis: 2 end_axis: 1 }', [np.ones((2, 3, 4))])
    with pytest.raises(ShapeError, match=r"axis must be in \[-1, 0\]"):
        make_layer('type: "Flatten"', [np.ones(2)])
