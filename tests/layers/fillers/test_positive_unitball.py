import numpy as np
import pytest

from cortado.errors import ParameterError


def test_each_item_is_positive_and_sums_to_one(fill):
    array = fill('type: "positive_unitball"', (10, 8, 5, 8))
    assert (array >= 0).all()
    np.testing.assert_allclose(array.reshape(10, -1).sum(axis=1), 1, rtol=1e-5)
    assert abs(array.std() - 1 / 320 / np.sqrt(3)) < 1e-4


def test_a_scalar_has_no_items(filler):
    with pytest.raises(ParameterError, match="at least one axis; got a scalar"):
        filler('type: "positive_unitball"').check(())
