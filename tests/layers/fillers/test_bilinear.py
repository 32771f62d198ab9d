import numpy as np
import pytest

from cortado.errors import ParameterError

# One line of the kernel; the kernel is its outer product with itself. Values of Caffe 1.0.
LINES = {
    1: [1],
    2: [0.5, 0.5],
    3: [0.5, 1, 0.5],
    4: [0.25, 0.75, 0.75, 0.25],
    5: [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3],
    8: [0.125, 0.375, 0.625, 0.875, 0.875, 0.625, 0.375, 0.125],
}


@pytest.mark.parametrize("size", LINES)
def test_kernel(fill, size):
    array = fill('type: "bilinear"', (2, 3, size, size))
    np.testing.assert_allclose(array[1, 2], np.outer(LINES[size], LINES[size]), rtol=1e-6)
    assert (array == array[0, 0]).all()


@pytest.mark.parametrize("shape", [(3, 3), (1, 1, 2, 3), (1, 1, 1, 3, 3)])
def test_refused(filler, shape):
    with pytest.raises(ParameterError, match="4 axes with a square kernel; got shape"):
        filler('type: "bilinear"').check(shape)
