"""Every optimizer against its formula in float64, three steps from a history that is not zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cortado.engines import get_engine
from cortado.plugins import plugin_manager

Arrays = list[np.ndarray]


def sgd(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    new = p.momentum * h[0] + rate * g
    return new, [new]


def nesterov(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    new = p.momentum * h[0] + rate * g
    return (1 + p.momentum) * new - p.momentum * h[0], [new]


def adagrad(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    new = h[0] + g**2
    return rate * g / (np.sqrt(new) + p.delta), [new]


def rmsprop(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    new = p.rms_decay * h[0] + (1 - p.rms_decay) * g**2
    return rate * g / (np.sqrt(new) + p.delta), [new]


def adadelta(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    a = p.momentum * h[0] + (1 - p.momentum) * g**2
    u = g * np.sqrt((h[1] + p.delta) / (a + p.delta))
    return rate * u, [a, p.momentum * h[1] + (1 - p.momentum) * u**2]


def adam(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    m = p.momentum * h[0] + (1 - p.momentum) * g
    v = p.momentum2 * h[1] + (1 - p.momentum2) * g**2
    corrected = rate * np.sqrt(1 - p.momentum2 ** (t + 1)) / (1 - p.momentum ** (t + 1))
    return corrected * m / (np.sqrt(v) + p.delta), [m, v]


def adamw(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    p.momentum = p.momentum if p.HasField("momentum") else 0.9
    return adam(p, w, g, h, rate, t)


def nadam(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    beta, decay = p.momentum, p.nadam_param.momentum_decay
    mu = [beta * (1 - 0.5 * 0.96 ** (i * decay)) for i in range(t + 3)]
    m = beta * h[0] + (1 - beta) * g
    v = p.momentum2 * h[1] + (1 - p.momentum2) * g**2
    ahead = mu[t + 2] * m / (1 - np.prod(mu[1 : t + 3])) + (1 - mu[t + 1]) * g / (1 - np.prod(mu[1 : t + 2]))
    return rate * ahead / (np.sqrt(v / (1 - p.momentum2 ** (t + 1))) + p.delta), [m, v]


def lion(p: Any, w: np.ndarray, g: np.ndarray, h: Arrays, rate: float, t: int) -> tuple[np.ndarray, Arrays]:
    return rate * np.sign(0.9 * h[0] + 0.1 * g), [0.99 * h[0] + 0.01 * g]


CASES = {
    "AdamW": (adamw, "momentum2: 0.99 delta: 1e-4 weight_decay: 0.01"),
    "NAdam": (nadam, "momentum: 0.8 momentum2: 0.99 delta: 1e-4 nadam_param { momentum_decay: 0.01 }"),
    "Lion": (lion, ""),
    "SGD": (sgd, "momentum: 0.9"),
    "Nesterov": (nesterov, "momentum: 0.9"),
    "AdaGrad": (adagrad, "delta: 1e-3"),
    "RMSProp": (rmsprop, "rms_decay: 0.95 delta: 1e-3"),
    "AdaDelta": (adadelta, "momentum: 0.95 delta: 1e-3"),
    "Adam": (adam, "momentum: 0.9 momentum2: 0.99 delta: 1e-4"),
}


@pytest.mark.parametrize("name", list(CASES))
def test_update(name: str, param: Callable[[str], Any]) -> None:
    formula, text = CASES[name]
    optimizer = plugin_manager().get("optimizers", name).item(param(text), get_engine("reference"))
    optimizer.check()
    rng = np.random.default_rng(3)
    w = rng.normal(size=(4, 5))
    history = [rng.uniform(0.1, 1, size=w.shape) for _ in range(optimizer.slots)]
    for t in range(3):
        g = rng.normal(size=w.shape)
        want, want_history = formula(optimizer.param, w, g, [h.copy() for h in history], 0.05, t)
        before = w.copy()
        optimizer.update(w, g, history, 0.05, t)
        np.testing.assert_allclose(before - w, want, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(g, want, rtol=1e-6, atol=1e-12, err_msg="the gradient holds the update afterwards")
        for got, wanted in zip(history, want_history, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_every_optimizer_has_a_case() -> None:
    assert {entry.name for entry in plugin_manager().registry("optimizers").all()} == set(CASES)
