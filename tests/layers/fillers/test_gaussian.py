import numpy as np
import pytest

from cortado.errors import ParameterError


def test_sparse_keeps_that_many_per_input(fill):
    array = fill('type: "gaussian" std: 0.5 sparse: 15', (300, 200))
    kept = array[array != 0]
    assert abs(kept.size / array.size - 15 / 300) < 5 * np.sqrt(0.05 * 0.95 / array.size)
    assert abs(kept.std() - 0.5) < 0.02


def test_sparse_zero_is_all_zero(fill):
    assert not fill('type: "gaussian" sparse: 0', (4, 5)).any()


@pytest.mark.parametrize(
    ("text", "shape", "rule"),
    [
        ('type: "gaussian" std: -1', (2, 2), "std >= 0; got -1"),
        ('type: "gaussian" std: nan', (2, 2), "std >= 0; got nan"),
        ('type: "gaussian" sparse: 3', (2, 2), r"sparse from 0 to shape\[0\] = 2, or -1 for none; got 3"),
        ('type: "gaussian" sparse: -2', (2, 2), "got -2"),
        ('type: "gaussian" sparse: 1', (), r"shape\[0\] = 0"),
    ],
)
def test_refused(filler, text, shape, rule):
    with pytest.raises(ParameterError, match=rule):
        filler(text).check(shape)


@pytest.mark.parametrize("kind", ["constant", "uniform", "xavier", "msra", "positive_unitball", "bilinear"])
def test_only_gaussian_knows_sparse(filler, kind):
    with pytest.raises(ParameterError, match=f"filler '{kind}' has no sparse form; got sparse: 2"):
        filler(f'type: "{kind}" sparse: 2').check((1, 1, 2, 2))
