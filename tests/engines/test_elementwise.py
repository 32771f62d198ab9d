from __future__ import annotations

from math import fsum

import numpy as np
import pytest

from cortado.engines.table import FAMILIES


def eltwise_max(inputs, y, mask):
    """Element by element, in Caffe's words: of the first two the second wins a tie, then only a larger one."""
    best, index = inputs[0].copy(), np.zeros(inputs[0].shape, np.int32)
    for number, x in enumerate(inputs[1:], start=1):
        for at in np.ndindex(*x.shape):
            if x[at] > best[at] or (number == 1 and x[at] == best[at]):
                best[at], index[at] = x[at], number
    return {"y": best, "mask": index}


def weighted_sum(inputs, coeffs):
    return sum(c * x for c, x in zip(coeffs, inputs, strict=True))


FORMULAS = {
    "axpy": lambda alpha, x, y: {"y": y + alpha * x},
    "scale_by": lambda alpha, x, y: {"y": alpha * x},
    "multiply": lambda a, b, y: {"y": a * b},
    "eltwise_sum": lambda inputs, coeffs, y: {"y": weighted_sum(inputs, coeffs)},
    "eltwise_product": lambda inputs, y: {"y": np.prod(inputs, axis=0)},
    "eltwise_max": eltwise_max,
    "eltwise_max_backward": lambda dy, mask, index, dx: {"dx": np.where(mask == index, dy, 0)},
    "copy": lambda src, dst: {"dst": src},
    "dot": lambda a, b: {"return": fsum((a * b).ravel())},
    "asum": lambda a: {"return": fsum(abs(a).ravel())},
    "sumsq": lambda a: {"return": fsum((a**2).ravel())},
    "dropout_forward": lambda x, mask, y, scale: {"y": np.where(mask, x * scale, 0)},
    "dropout_backward": lambda dy, mask, dx, scale: {"dx": np.where(mask, dy * scale, 0)},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["elementwise"]}


def test_sums_of_float32_are_accumulated_in_float64(engine):
    x = np.full(3_000_000, 1 + 2.0**-20, np.float32)
    exact = 3_000_000 * float(x[0])
    assert engine.dot(x, np.ones_like(x)) == pytest.approx(exact, rel=1e-12)
    assert engine.asum(-x) == pytest.approx(exact, rel=1e-12)
    assert engine.sumsq(x) == pytest.approx(exact * float(x[0]), rel=1e-12)
    assert isinstance(engine.dot(x, x), float)


def test_sum_of_squares_of_large_float32_does_not_overflow(engine):
    assert engine.sumsq(np.full(4, 1e30, np.float32)) == pytest.approx(4e60, rel=1e-6)


def test_eltwise_max_lets_a_nan_of_any_input_win(engine):
    nan = np.nan
    inputs = [np.array(values, np.float32) for values in ([nan, 1, 2, nan], [1, nan, 3, nan], [9, 9, nan, 0])]
    y, mask = np.empty(4, np.float32), np.empty(4, np.int32)
    engine.eltwise_max(inputs, y, mask)
    np.testing.assert_array_equal(y, [nan] * 4)
    np.testing.assert_array_equal(mask, [0, 1, 2, 1])


def test_dropout_takes_a_floating_mask_too(engine):
    x, mask, y = np.array([1, 2, 3], np.float32), np.array([1, 0, 1], np.float32), np.empty(3, np.float32)
    engine.dropout_forward(x, mask, y, 2.0)
    np.testing.assert_array_equal(y, [2, 0, 6])
