import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer

BLOCK = 'layer { type: "LSTMUnit" bottom: "c" bottom: "z" bottom: "cont" top: "c1" top: "h1" }'


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("cont", [[1, 1], [0, 1], [0, 0]])
def test_forward(cont):
    c, z, cont = draw(1, 2, 3), draw(1, 2, 12, seed=1), np.array([cont], float)
    i, f, o, g = np.split(z, 4, axis=2)
    expected = cont[..., None] * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    c1, h1 = make_layer(BLOCK, [c, z, cont]).forward()
    np.testing.assert_allclose(c1, expected)
    np.testing.assert_allclose(h1, sigmoid(o) * np.tanh(expected))


@pytest.mark.parametrize("cont", [[1, 1], [0, 1], [0, 0], [0.5, 1]])
def test_gradient(cont):
    check_gradient(BLOCK, [draw(1, 2, 3), draw(1, 2, 12, seed=1), np.array([cont], float)])


def test_a_new_sequence_forgets_even_a_broken_state():
    c1, h1 = make_layer(BLOCK, [np.full((1, 1, 2), np.nan), draw(1, 1, 8), [[0.0]]]).forward()
    assert np.isfinite(c1).all()
    assert np.isfinite(h1).all()


@pytest.mark.parametrize("wanted", [[True, False, False], [False, True, False], [True, True, True]])
def test_only_what_is_asked_for_is_written(wanted):
    run = make_layer(BLOCK, [draw(1, 2, 3), draw(1, 2, 12), [[1.0, 0.0]]])
    run.forward()
    for blob in run.bottom:
        blob.diff[...] = np.nan
    diffs = run.backward(draw(1, 2, 3), draw(1, 2, 3, seed=1), propagate_down=wanted)
    assert [not np.isnan(diff).any() for diff in diffs] == wanted
    assert np.isnan(diffs[2]).all() or not diffs[2].any()


@pytest.mark.parametrize(
    ("c", "z", "cont", "message"),
    [
        ((2, 2, 3), (1, 2, 12), (1, 2), "1 x N x D"),
        ((1, 2, 3), (1, 2, 9), (1, 2), "1 x 2 x 12"),
        ((1, 2, 3), (1, 2, 12), (2, 1), "cont must have the shape 1 x 2"),
    ],
)
def test_shapes_are_checked(c, z, cont, message):
    with pytest.raises(ShapeError, match=message):
        make_layer(BLOCK, [draw(*c), draw(*z), draw(*cont)])
