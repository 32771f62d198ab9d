import numpy as np
import pytest

from cortado.errors import DataError, ShapeError
from cortado.testing import check_gradient, make_layer


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("index", [[3, 1, 0, 2], [0, 0, 3, 0, 1], [2], []])
@pytest.mark.parametrize("shape", [(4,), (4, 2, 3)])
def test_rows_are_picked(index, shape):
    x = draw(*shape)
    (y,) = make_layer('type: "BatchReindex"', [x, np.array(index, float)]).forward()
    np.testing.assert_array_equal(y, x[index])


@pytest.mark.parametrize("index", [[3, 1, 0, 2], [0, 0, 3, 0, 1], [2]])
@pytest.mark.parametrize("shape", [(4,), (4, 2, 3)])
def test_gradient(index, shape):
    check_gradient('type: "BatchReindex"', [draw(*shape), np.array(index, float)])


@pytest.mark.parametrize(
    ("index", "place"), [([0, 4], "4 at position 1"), ([-1], "-1 at position 0"), ([np.nan], "nan")]
)
def test_indices_are_checked(index, place):
    run = make_layer('type: "BatchReindex"', [draw(4, 2), np.array(index, float)])
    with pytest.raises(DataError, match=f"from 0 to 3, below the number of rows; got {place}"):
        run.forward()


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match="the indices must have one axis; got 'x1' 2x1"):
        make_layer('type: "BatchReindex"', [draw(4, 2), np.zeros((2, 1))])
    with pytest.raises(ShapeError, match="at least one axis; got 'x0' scalar"):
        make_layer('type: "BatchReindex"', [draw(), np.zeros(2)])
