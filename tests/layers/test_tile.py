import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("tiles", [1, 3])
def test_forward_and_gradient(axis, tiles):
    x, text = draw(2, 3, 4), f'type: "Tile" tile_param {{ axis: {axis} tiles: {tiles} }}'
    repeats = [tiles if i == axis % 3 else 1 for i in range(3)]
    np.testing.assert_array_equal(make_layer(text, [x]).forward()[0], np.tile(x, repeats))
    check_gradient(text, [x])


@pytest.mark.parametrize("param", ["", "tiles: 0", "tiles: -1"])
def test_tiles_are_required(param):
    with pytest.raises(ParameterError, match="tiles must be set, and at least 1"):
        make_layer(f'type: "Tile" tile_param {{ {param} }}', [draw(2, 3)])


def test_axis_is_checked():
    with pytest.raises(ShapeError, match="axis must be in"):
        make_layer('type: "Tile" tile_param { tiles: 2 }', [draw(3)])
