"""LearnedSwish: its values, and the gradients of input and betas."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_forward_has_a_beta_per_channel(shape, rng):
    x, beta = rng.normal(size=shape), np.array([0.5, -1.0, 20.0])
    run = make_layer('type: "LearnedSwish"', [x])
    np.testing.assert_array_equal(run.layer.blobs[0].data, [1, 1, 1])
    run.layer.blobs[0].data = beta
    column = beta.reshape(3, *[1] * (len(shape) - 2))
    np.testing.assert_allclose(run.forward()[0], x / (1 + np.exp(-column * x)))


def test_with_beta_1_it_is_swish(rng):
    x = rng.normal(size=(3, 4))
    (learned,), (fixed,) = make_layer('type: "LearnedSwish"', [x]).forward(), make_layer('type: "Swish"', [x]).forward()
    np.testing.assert_allclose(learned, fixed)


@pytest.mark.parametrize("shared", ["true", "false"])
@pytest.mark.parametrize("top", ["x", "y"])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2, 2)])
def test_gradient(shared, top, shape, rng):
    own = f"learned_swish_param {{ channel_shared: {shared} }}"
    check_gradient(f'layer {{ type: "LearnedSwish" bottom: "x" top: "{top}" {own} }}', [rng.normal(size=shape)])


def test_shapes_are_checked(rng):
    with pytest.raises(ShapeError, match="2 axes or more"):
        make_layer('type: "LearnedSwish"', [np.zeros(3)])
    run = make_layer('type: "LearnedSwish"', [np.zeros((2, 3))])
    with pytest.raises(ShapeError, match="3 channels"):
        run.forward(np.zeros((2, 4)))
