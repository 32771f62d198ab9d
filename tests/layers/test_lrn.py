import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


def block(param="", top="y"):
    return f'layer {{ type: "LRN" bottom: "x" top: "{top}" lrn_param {{ {param} }} }}'


def across(x, size=5, alpha=1.0, beta=0.75, k=1.0):
    scale = np.empty(x.shape)
    for c in range(x.shape[1]):
        near = x[:, max(0, c - size // 2) : c + size // 2 + 1]
        scale[:, c] = k + alpha / size * (near**2).sum(axis=1)
    return x * scale**-beta


def within(x, size=5, alpha=1.0, beta=0.75):
    scale = np.empty(x.shape)
    half = size // 2
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            near = x[:, :, max(0, i - half) : i + half + 1, max(0, j - half) : j + half + 1]
            scale[:, :, i, j] = 1 + alpha / size**2 * (near**2).sum(axis=(2, 3))
    return x * scale**-beta


ACROSS = [("", {}), ("local_size: 3 alpha: 0.5 beta: 0.25 k: 2", {"size": 3, "alpha": 0.5, "beta": 0.25, "k": 2})]
ACROSS += [("local_size: 9", {"size": 9}), ("local_size: 1", {"size": 1})]
WITHIN = [("", {}), ("local_size: 3 alpha: 0.5 beta: 0.25 k: 7", {"size": 3, "alpha": 0.5, "beta": 0.25})]


@pytest.mark.parametrize(("param", "args"), ACROSS)
@pytest.mark.parametrize("shape", [(2, 6), (2, 4, 3), (2, 6, 3, 4)])
def test_across_channels(param, args, shape):
    x = draw(*shape)
    np.testing.assert_allclose(make_layer(block(param), [x]).forward()[0], across(x, **args))


@pytest.mark.parametrize(("param", "args"), WITHIN)
def test_within_a_channel(param, args):
    x = draw(2, 3, 6, 5)
    run = make_layer(block(f"norm_region: WITHIN_CHANNEL {param}"), [x])
    np.testing.assert_allclose(run.forward()[0], within(x, **args))


@pytest.mark.parametrize("param", [v[0] for v in ACROSS] + [f"norm_region: WITHIN_CHANNEL {v[0]}" for v in WITHIN])
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(param, top):
    check_gradient(block(param, top), [draw(2, 4, 3, 3)])


def test_even_size_is_refused():
    with pytest.raises(ParameterError, match=r"layer\.prototxt:2:\d+: .*local_size must be odd, .*; got 4"):
        make_layer(block("\nlocal_size: 4"), [draw(2, 3, 4, 4)])


@pytest.mark.parametrize(("param", "shape"), [("", (3,)), ("norm_region: WITHIN_CHANNEL", (2, 3))])
def test_axes_are_checked(param, shape):
    with pytest.raises(ShapeError, match="the bottom must have the axes"):
        make_layer(block(param), [draw(*shape)])
