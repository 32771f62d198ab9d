import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def text(options: str = "") -> str:
    return f'type: "Concat" concat_param {{ {options} }}'


@pytest.mark.parametrize(("options", "axis"), [("", 1), ("axis: 0", 0), ("axis: -1", 2), ("concat_dim: 2", 2)])
def test_forward(rng, options, axis):
    shapes = [[2, 3, 4] for _ in range(3)]
    for size, shape in zip((1, 5, 2), shapes, strict=True):
        shape[axis] = size
    inputs = [rng.normal(size=shape) for shape in shapes]
    np.testing.assert_array_equal(make_layer(text(options), inputs).forward()[0], np.concatenate(inputs, axis=axis))
    check_gradient(text(options), inputs)


def test_one_bottom_is_not_copied(rng):
    run = make_layer(text(), [rng.normal(size=(2, 3))])
    assert np.shares_memory(run.bottom[0].data, run.top[0].data)
    assert np.shares_memory(run.bottom[0].diff, run.top[0].diff)
    np.testing.assert_array_equal(run.forward()[0], run.bottom[0].data)


def test_only_wanted_gradients_are_written(rng):
    run = make_layer(text(), [rng.normal(size=(2, 3))] * 2)
    tops = run.forward()
    run.bottom[1].diff[...] = 7
    left, right = run.backward(*tops, propagate_down=[True, False])
    np.testing.assert_array_equal(left, tops[0][:, :3])
    assert (right == 7).all()


def test_sizes_may_change(rng):
    run = make_layer(text(), [rng.normal(size=(2, 3)), rng.normal(size=(2, 1))])
    assert run.forward(np.ones((4, 2)), np.ones((4, 5)))[0].shape == (4, 7)
    assert run.forward(np.ones((0, 2)), np.ones((0, 5)))[0].shape == (0, 7)


def test_refused():
    with pytest.raises(ShapeError, match="same shape, except at axis 1; got 'x0' 2x3x4, 'x1' 2x3x5"):
        make_layer(text(), [np.ones((2, 3, 4)), np.ones((2, 3, 5))])
    with pytest.raises(ShapeError, match="except at axis 1; got 'x0' 2x3, 'x1' 2x3x1"):
        make_layer(text(), [np.ones((2, 3)), np.ones((2, 3, 1))])
    with pytest.raises(ShapeError, match=r"axis must be in \[-1, 0\]"):
        make_layer(text(), [np.ones(2)])
    with pytest.raises(ParameterError, match="axis and its old name concat_dim must not both be given"):
        make_layer(text("axis: 1 concat_dim: 1"), [np.ones((2, 3))])
