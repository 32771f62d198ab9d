import pytest

from cortado.errors import ParameterError


def test_bounds_in_order(fill, filler):
    assert (fill('type: "uniform" min: 0.5 max: 0.5', (3,)) == 0.5).all()
    with pytest.raises(ParameterError, match="min <= max; got min 2, max 1"):
        filler('type: "uniform" min: 2').check((3,))
