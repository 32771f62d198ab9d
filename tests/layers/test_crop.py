import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


CASES = [
    ("", (2, 3, 2, 4), np.s_[:, :, 0:2, 0:4]),
    ("offset: 1", (9, 9, 2, 4), np.s_[:, :, 1:3, 1:5]),
    ("offset: 2 offset: 0", (2, 3, 2, 4), np.s_[:, :, 2:4, 0:4]),
    ("axis: 1 offset: 1", (2, 2, 3, 4), np.s_[:, 1:3, 1:4, 1:5]),
    ("axis: 0 offset: 1 offset: 0 offset: 0 offset: 1", (1, 3, 4, 4), np.s_[1:2, :, :, 1:5]),
    ("axis: -1 offset: 2", (9, 9, 9, 3), np.s_[:, :, :, 2:5]),
]


@pytest.mark.parametrize(("param", "reference", "region"), CASES)
def test_forward(param, reference, region):
    x = draw(2, 3, 4, 5)
    (y,) = make_layer(f'type: "Crop" crop_param {{ {param} }}', [x, np.zeros(reference)]).forward()
    np.testing.assert_array_equal(y, x[region])


@pytest.mark.parametrize(("param", "reference", "region"), CASES)
def test_gradient(param, reference, region):
    check_gradient(f'type: "Crop" crop_param {{ {param} }}', [draw(2, 3, 4, 5), np.zeros(reference)])


def test_region_follows_the_shapes():
    run = make_layer('type: "Crop"', [draw(1, 1, 4, 4), np.zeros((1, 1, 2, 2))])
    run.forward()
    x = draw(2, 1, 6, 5)
    np.testing.assert_array_equal(run.forward(x, np.zeros((1, 1, 5, 3)))[0], x[:, :, :5, :3])


@pytest.mark.parametrize(
    ("param", "reference", "error", "message"),
    [
        ("offset: 2", (1, 1, 3, 3), ShapeError, "the offset, 2, and the size to cut must fit into axis 2"),
        ("offset: 1 offset: 1 offset: 1", (1, 1, 1, 1), ParameterError, "one for each of the 2 axes .*; got 3"),
        ("axis: 4", (1, 1, 1, 1), ShapeError, "axis must be in"),
        ("", (1, 1, 1), ShapeError, "equally many axes; got 'x0' 1x1x4x4, 'x1' 1x1x1"),
    ],
)
def test_errors(param, reference, error, message):
    with pytest.raises(error, match=message):
        make_layer(f'type: "Crop" crop_param {{ {param} }}', [draw(1, 1, 4, 4), np.zeros(reference)])


def test_reference_gets_zero_where_a_gradient_is_asked_for():
    run = make_layer('type: "Crop"', [draw(1, 1, 4, 4), np.zeros((1, 1, 2, 2))])
    run.forward()
    run.bottom[1].diff[...] = np.nan
    assert not run.backward(1, propagate_down=[True, True])[1].any()
