import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def text(dims: list[int], options: str = "") -> str:
    shape = " ".join(f"dim: {d}" for d in dims)
    return f'type: "Reshape" reshape_param {{ shape {{ {shape} }} {options} }}'


@pytest.mark.parametrize(
    ("dims", "options", "shape"),
    [
        ([0, 0, -1], "", (2, 3, 20)),
        ([0, -1], "", (2, 60)),
        ([-1], "", (120,)),
        ([4, 30], "", (4, 30)),
        ([0, 5, 0, 3], "", (2, 5, 4, 3)),
        ([12, 5], "axis: 1", (2, 12, 5)),
        ([-1], "axis: 1 num_axes: 2", (2, 12, 5)),
        ([1, 1], "axis: 1 num_axes: 0", (2, 1, 1, 3, 4, 5)),
        ([1], "axis: -1", (2, 3, 4, 5, 1)),
        ([5, 4], "axis: -3", (2, 3, 5, 4)),
        ([], "axis: 4", (2, 3, 4, 5)),
    ],
)
def test_shape(rng, dims, options, shape):
    x = rng.normal(size=(2, 3, 4, 5))
    run = make_layer(text(dims, options), [x])
    np.testing.assert_array_equal(run.forward()[0], x.reshape(shape))
    assert np.shares_memory(run.bottom[0].data, run.top[0].data)


def test_all_to_a_scalar():
    assert make_layer(text([]), [np.ones((1, 1))]).forward()[0].shape == ()


def test_gradient(rng):
    check_gradient(text([3, -1]), [rng.normal(size=(2, 3, 2))])


def test_inferred_size_follows_the_bottom(rng):
    run = make_layer(text([-1, 3]), [rng.normal(size=(2, 3, 2))])
    assert run.forward(np.ones((5, 3, 2)))[0].shape == (10, 3)


@pytest.mark.parametrize(
    ("dims", "options", "rule"),
    [
        ([-1, -1], "", r"only one dim may be -1.*got \[-1, -1\]"),
        ([-2], "", "dims must be positive, 0 to copy, or -1 to work out; got -2"),
        ([2, 6, 0], "", "dim 0 copies axis 2, which a bottom of 2 axes does not have"),
        ([1], "axis: 3", "axis must be from -3 to 2 for a bottom of 2 axes; got 3"),
        ([1], "axis: -4", "got -4"),
        ([1], "axis: 1 num_axes: 2", "num_axes must be at most 1, the axes from 1 on; got 2"),
        ([1], "num_axes: -2", "num_axes must be at least 0, or -1 for all to the end; got -2"),
    ],
)
def test_refused_parameters(dims, options, rule):
    with pytest.raises(ParameterError, match=rule):
        make_layer(text(dims, options), [np.ones((2, 6))])


@pytest.mark.parametrize(
    ("dims", "rule"),
    [
        ([5, -1], r"the number of elements \(12\) must be a multiple of the given sizes \(5\)"),
        ([5], "must stay 12, and 5 has 5"),
    ],
)
def test_refused_counts(dims, rule):
    with pytest.raises(ShapeError, match=rule):
        make_layer(text(dims), [np.ones((2, 6))])
