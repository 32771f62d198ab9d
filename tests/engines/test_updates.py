from __future__ import annotations

import numpy as np
import pytest

from cortado.engines.table import FAMILIES


def regularize(w, g, l1, l2):
    return {"g": g + l1 * np.sign(w) + l2 * w}


def sgd(w, g, h, rate, momentum):
    h = momentum * h + rate * g
    return {"h": h, "g": h, "w": w - h}


def nesterov(w, g, h, rate, momentum):
    new = momentum * h + rate * g
    step = (1 + momentum) * new - momentum * h
    return {"h": new, "g": step, "w": w - step}


def adagrad(w, g, h, rate, delta):
    h = h + g**2
    step = rate * g / (np.sqrt(h) + delta)
    return {"h": h, "g": step, "w": w - step}


def rmsprop(w, g, h, rate, decay, delta):
    h = decay * h + (1 - decay) * g**2
    step = rate * g / (np.sqrt(h) + delta)
    return {"h": h, "g": step, "w": w - step}


def adadelta(w, g, h1, h2, rate, momentum, delta):
    h1 = momentum * h1 + (1 - momentum) * g**2
    step = g * np.sqrt((h2 + delta) / (h1 + delta))
    h2 = momentum * h2 + (1 - momentum) * step**2
    return {"h1": h1, "h2": h2, "g": rate * step, "w": w - rate * step}


def adam(w, g, m, v, rate, beta1, beta2, delta):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    step = rate * m / (np.sqrt(v) + delta)
    return {"m": m, "v": v, "g": step, "w": w - step}


FORMULAS = {
    "regularize": regularize,
    "sgd_update": sgd,
    "nesterov_update": nesterov,
    "adagrad_update": adagrad,
    "rmsprop_update": rmsprop,
    "adadelta_update": adadelta,
    "adam_update": adam,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_kernel_meets_its_formula(name, dtype, check):
    check(name, FORMULAS[name], dtype)


def test_every_row_has_a_formula():
    assert set(FORMULAS) == {kernel.name for kernel in FAMILIES["updates"]}


def test_three_steps_of_momentum_by_hand(engine):
    w, h = np.zeros(1), np.zeros(1)
    for _ in range(3):
        engine.sgd_update(w, np.ones(1), h, 0.1, 0.5)
    assert w == pytest.approx(-(0.1 + 0.15 + 0.175))


def test_regularize_of_zero_weights_adds_nothing(engine):
    g = np.array([1.0, 2.0])
    engine.regularize(np.zeros(2), g, 0.5, 0.5)
    np.testing.assert_array_equal(g, [1, 2])
