"""erf and the normal distribution against the standard library's, which is right to the last bits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cortado.engines import get_engine
from cortado.engines.reference.erf import erf, normal_cdf

X = np.concatenate([np.linspace(-9, 9, 4001), [0.0, 1e-20, -1e-20, 0.5, -0.5, 1e30, -1e30, np.inf, -np.inf]])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-15), (np.float32, 5e-7)])
def test_erf(dtype, tolerance):
    x = X.astype(dtype)
    out = np.empty_like(x)
    with np.errstate(over="ignore"):
        erf(get_engine("reference"), x, out)
    np.testing.assert_allclose(out, [math.erf(v) for v in x.astype(float)], rtol=tolerance)


@pytest.mark.parametrize(("dtype", "relative", "absolute"), [(np.float64, 3e-14, 0), (np.float32, 1e-5, 1e-30)])
def test_normal_distribution_keeps_its_digits_in_the_tail(dtype, relative, absolute):
    x = X.astype(dtype)
    out = np.empty_like(x)
    with np.errstate(over="ignore"):
        normal_cdf(get_engine("reference"), x, out)
    want = [math.erfc(-v / math.sqrt(2)) / 2 for v in x.astype(float)]
    np.testing.assert_allclose(out, want, rtol=relative, atol=absolute)


@pytest.mark.parametrize("function", [erf, normal_cdf])
def test_long_arrays_are_taken_in_pieces(function):
    x = np.linspace(-4, 4, 40_001).reshape(1, -1)
    whole, parts = np.empty_like(x), np.empty_like(x)
    function(get_engine("reference"), x, whole)
    for start in range(0, x.size, 1000):
        function(get_engine("reference"), x[:, start : start + 1000], parts[:, start : start + 1000])
    np.testing.assert_allclose(whole, parts, rtol=1e-15)
