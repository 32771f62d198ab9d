from __future__ import annotations

from math import log

import numpy as np
import pytest

from cortado.engines.table import FAMILIES


def softmax(x, y):
    e = np.exp(x)
    return {"y": e / e.sum(axis=1, keepdims=True)}


def positions(prob, label, ignore_label):
    """Every position that is not ignored, with its label."""
    for o, i in np.ndindex(*label.shape):
        if ignore_label is None or label[o, i] != ignore_label:
            yield o, int(label[o, i]), i


def softmax_loss(prob, label, ignore_label):
    losses = [-log(max(prob[at], 1.17549435e-38)) for at in positions(prob, label, ignore_label)]
    return {"return": np.array([sum(losses), len(losses)])}


def softmax_loss_backward(prob, label, ignore_label, weight, divisor, dx):
    dx, scale = np.zeros(prob.shape), weight.item() / divisor.item()
    for o, c, i in positions(prob, label, ignore_label):
        dx[o, :, i] = scale * prob[o, :, i]
        dx[o, c, i] -= scale
    return {"dx": dx}


def kept(target, ignore_label):
    return np.ones(target.shape, bool) if ignore_label is None else target.astype(int) != ignore_label


def sigmoid_cross_entropy(x, target, ignore_label):
    s = 1 / (1 + np.exp(-x))
    loss = -target * np.log(s) - (1 - target) * np.log(1 - s)
    counted = kept(target, ignore_label)
    return {"return": np.array([loss[counted].sum(), counted.sum()])}


def sigmoid_cross_entropy_backward(x, target, ignore_label, weight, divisor, dx):
    scale = weight / divisor
    return {"dx": np.where(kept(target, ignore_label), scale * (1 / (1 + np.exp(-x)) - target), 0)}


FORMULAS = {
    "softmax_forward": softmax,
    "softmax_backward": lambda y, dy, dx: {"dx": y * (dy - (y * dy).sum(axis=1, keepdims=True))},
    "softmax_loss_forward": softmax_loss,
    "softmax_loss_backward": softmax_loss_backward,
    "sigmoid_cross_entropy_forward": sigmoid_cross_entropy,
    "sigmoid_cross_entropy_backward": sigmoid_cross_entropy_backward,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["softmax"]}


def test_softmax_of_large_inputs_does_not_overflow(engine):
    x = np.array([[[1e4], [1e4 - np.log(3)], [-1e4]]], np.float32)
    engine.softmax_forward(x, x)
    np.testing.assert_allclose(x.ravel(), [0.75, 0.25, 0], rtol=1e-3)


def test_softmax_loss_has_caffes_ceiling(engine):
    prob, label = np.array([[[0.0], [1.0]]], np.float32), np.zeros((1, 1), np.float32)
    loss, count = engine.softmax_loss_forward(prob, label, None)
    assert (loss, count) == (pytest.approx(87.3365, abs=1e-4), 1)
    assert (type(loss), type(count)) == (float, int)


def test_losses_where_all_is_ignored_are_zero(engine):
    prob, label = np.full((2, 3, 2), 1 / 3, np.float32), np.full((2, 2), 255, np.float32)
    assert engine.softmax_loss_forward(prob, label, 255) == (0.0, 0)
    assert engine.sigmoid_cross_entropy_forward(label, label, 255) == (0.0, 0)
    engine.softmax_loss_backward(prob, label, 255, np.ones((), np.float32), np.ones((), np.float32), prob)
    np.testing.assert_array_equal(prob, 0)


def test_sigmoid_cross_entropy_of_large_inputs_is_exact(engine):
    x, target = np.array([1e4, -1e4, -1e4], np.float32), np.array([1, 0, 1], np.float32)
    assert engine.sigmoid_cross_entropy_forward(x, target, None) == (1e4, 3)
