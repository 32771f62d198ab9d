"""Maxout: which channels it compares, and where the gradient goes."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


def test_neighbouring_channels_are_one_group(rng):
    x = rng.normal(size=(2, 6, 3))
    (y,) = make_layer('type: "Maxout" maxout_param { pieces: 3 }', [x]).forward()
    np.testing.assert_array_equal(y, np.stack([x[:, :3].max(axis=1), x[:, 3:].max(axis=1)], axis=1))


@pytest.mark.parametrize("pieces", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 2, 3)])
def test_gradient(pieces, shape, rng):
    check_gradient(f'type: "Maxout" maxout_param {{ pieces: {pieces} }}', [rng.normal(size=shape)])


def test_of_equals_the_first_gets_the_gradient():
    run = make_layer('type: "Maxout"', [np.zeros((1, 4))])
    run.forward()
    np.testing.assert_array_equal(run.backward(np.array([[5.0, 7.0]]))[0], [[5, 0, 7, 0]])


@pytest.mark.parametrize("shape", [(4,), (2, 5)])
def test_shapes_are_checked(shape):
    with pytest.raises(ShapeError, match="a multiple of 2 channels"):
        make_layer('type: "Maxout"', [np.zeros(shape)])
