import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def text(options: str = "", tops: int = 2) -> str:
    names = " ".join(f'top: "y{i}"' for i in range(tops))
    return f'type: "Slice" {names} slice_param {{ {options} }}'


@pytest.mark.parametrize(("options", "axis"), [("", 1), ("axis: 0", 0), ("axis: -1", 2), ("slice_dim: 2", 2)])
def test_equal_parts(rng, options, axis):
    x = rng.normal(size=(6, 6, 6))
    for part, want in zip(make_layer(text(options, 3), [x]).forward(), np.split(x, 3, axis), strict=True):
        np.testing.assert_array_equal(part, want)
    check_gradient(text(options), [x[:2, :2, :2]])


def test_points(rng):
    x = rng.normal(size=(2, 6))
    options = "slice_point: 1 slice_point: 4"
    for part, want in zip(make_layer(text(options, 3), [x]).forward(), np.split(x, [1, 4], 1), strict=True):
        np.testing.assert_array_equal(part, want)
    check_gradient(text(options, 3), [x])


def test_one_top_is_not_copied(rng):
    run = make_layer(text(tops=1), [rng.normal(size=(2, 3))])
    assert np.shares_memory(run.bottom[0].data, run.top[0].data)
    assert np.shares_memory(run.bottom[0].diff, run.top[0].diff)


@pytest.mark.parametrize(
    ("options", "tops", "rule"),
    [
        ("slice_point: 1", 3, "given 2 times, one less than there are tops; got 1 times"),
        ("slice_point: 3 slice_point: 3", 3, r"slice points must rise.*size of the axis \(6\); got \[3, 3\]"),
        ("slice_point: 0", 2, "slice points must rise"),
        ("slice_point: 6", 2, "slice points must rise"),
        ("axis: 1 slice_dim: 1", 2, "axis and its old name slice_dim must not both be given"),
    ],
)
def test_refused_points(options, tops, rule):
    with pytest.raises(ParameterError, match=rule):
        make_layer(text(options, tops), [np.ones((2, 6))])


def test_refused_shapes():
    with pytest.raises(ShapeError, match="size of axis 1 must be a multiple of the 4 tops; got 'x0' 2x6"):
        make_layer(text(tops=4), [np.ones((2, 6))])
