import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


def block(height, pool="MAX"):
    return f'type: "SPP" spp_param {{ pyramid_height: {height} pool: {pool} }}'


def test_max_over_bins_that_divide_the_image():
    x = draw(2, 3, 8, 4)
    levels = [
        x.max((2, 3)).reshape(2, -1),
        x.reshape(2, 3, 2, 4, 2, 2).max((3, 5)).reshape(2, -1),
        x.reshape(2, 3, 4, 2, 4, 1).max((3, 5)).reshape(2, -1),
    ]
    np.testing.assert_array_equal(make_layer(block(3), [x]).forward()[0], np.concatenate(levels, axis=1))


def test_average_over_bins_that_divide_the_image():
    x = draw(2, 3, 4, 4)
    levels = [x.mean((2, 3)).reshape(2, -1), x.reshape(2, 3, 2, 2, 2, 2).mean((3, 5)).reshape(2, -1)]
    np.testing.assert_allclose(make_layer(block(2, "AVE"), [x]).forward()[0], np.concatenate(levels, axis=1))


@pytest.mark.parametrize("size", [(4, 4), (7, 6), (8, 11), (12, 13)])
def test_length_does_not_depend_on_the_size(size):
    assert make_layer(block(3), [draw(2, 3, *size)]).forward()[0].shape == (2, 3 * 21)


def test_one_level_keeps_its_axes():
    x = draw(2, 3, 4, 5)
    np.testing.assert_array_equal(make_layer(block(1), [x]).forward()[0], x.max((2, 3), keepdims=True))


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize(("height", "size"), [(1, (3, 2)), (2, (5, 4)), (3, (7, 6))])
def test_gradient(pool, height, size):
    check_gradient(block(height, pool), [draw(2, 2, *size)])


def test_no_masks_where_no_backward_comes():
    x = draw(2, 2, 7, 6)
    run, lean = (make_layer(block(3), [x]) for _ in range(2))
    lean.layer.runs_backward = False
    np.testing.assert_array_equal(lean.forward()[0], run.forward()[0])
    assert [level.mask.nbytes for level in lean.layer._levels] == [0, 0, 0]


def test_image_too_small():
    with pytest.raises(ShapeError, match=r"the image is too small for 4 bins .*; got 'x0' 1x1x5x5"):
        make_layer(block(3), [draw(1, 1, 5, 5)])


def test_parameters_are_checked():
    x = draw(1, 1, 8, 8)
    for height in (0, 17):
        with pytest.raises(ParameterError, match=r"layer\.prototxt:1:\d+: .*pyramid_height must be from 1 to 16"):
            make_layer(block(height), [x])
    with pytest.raises(ParameterError, match="pool must be MAX or AVE; got STOCHASTIC"):
        make_layer(block(2, "STOCHASTIC"), [x])
    with pytest.raises(ShapeError, match=r"\(num, channels, height, width\)"):
        make_layer(block(2), [draw(1, 8, 8)])
