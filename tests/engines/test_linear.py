from __future__ import annotations

import numpy as np
import pytest

from cortado.engines.table import FAMILIES


def product(a, b):
    """The matrix product, one entry at a time."""
    c = np.zeros((a.shape[0], b.shape[1]))
    for i, j in np.ndindex(*c.shape):
        c[i, j] = sum(a[i, k] * b[k, j] for k in range(a.shape[1]))
    return c


def gemm(a, b, c, transpose_a, transpose_b, alpha, beta):
    total = alpha * product(a.T if transpose_a else a, b.T if transpose_b else b)
    return {"c": total + beta * c if beta else total}


def forward(x, w, bias, y, transposed):
    return {"y": product(x, w if transposed else w.T) + (0 if bias is None else bias)}


def backward_data(dy, w, dx, transposed):
    return {"dx": product(dy, w.T if transposed else w)}


def backward_weights(x, dy, dw, db, transposed):
    total = {"dw": dw + (product(x.T, dy) if transposed else product(dy.T, x))}
    return total if db is None else total | {"db": db + product(np.ones((1, len(dy))), dy)[0]}


FORMULAS = {
    "gemm": gemm,
    "inner_product_forward": forward,
    "inner_product_backward_data": backward_data,
    "inner_product_backward_weights": backward_weights,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["linear"]}


def test_gemm_with_beta_zero_does_not_read_the_output(engine):
    c = np.full((2, 2), np.nan, np.float32)
    engine.gemm(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), c, False, False, 1.0, 0.0)
    np.testing.assert_array_equal(c, np.eye(2))


def test_gemm_over_an_empty_inner_axis_gives_zeros(engine):
    c = np.full((2, 3), np.nan, np.float32)
    engine.gemm(np.empty((2, 0), np.float32), np.empty((0, 3), np.float32), c, False, False, 1.0, 0.0)
    np.testing.assert_array_equal(c, np.zeros((2, 3)))


def test_inner_product_leaves_an_unwanted_weight_gradient_alone(engine):
    x, dy, db = np.ones((3, 2), np.float32), np.ones((3, 4), np.float32), np.ones(4, np.float32)
    engine.inner_product_backward_weights(x, dy, None, db, False)
    np.testing.assert_array_equal(db, [4, 4, 4, 4])
