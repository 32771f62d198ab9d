"""Every learning-rate policy against its formula, and what each refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from cortado.errors import SolverError
from cortado.plugins import plugin_manager

CASES: dict[str, tuple[str, Callable[[int], float]]] = {
    "fixed": ("", lambda i: 0.5),
    "step": ("gamma: 0.1 stepsize: 3", lambda i: 0.5 * 0.1 ** (i // 3)),
    "exp": ("gamma: 0.9", lambda i: 0.5 * 0.9**i),
    "inv": ("gamma: 0.1 power: 0.75", lambda i: 0.5 * (1 + 0.1 * i) ** -0.75),
    "multistep": ("gamma: 0.1 stepvalue: 2 stepvalue: 5", lambda i: 0.5 * 0.1 ** ((i >= 2) + (i >= 5))),
    "poly": ("power: 2 max_iter: 10", lambda i: 0.5 * (1 - i / 10) ** 2),
    "cosine": (
        "max_iter: 8 cosine_param { minimum: 0.1 }",
        lambda i: 0.1 + 0.4 * (1 + math.cos(math.pi * min(i, 8) / 8)) / 2,
    ),
    "plateau": ("", lambda i: 0.5),
    "warmup": ('gamma: 0.9 warmup_param { iterations: 4 policy: "exp" }', lambda i: 0.5 * 0.9**i * min(1, (i + 1) / 4)),
    "sigmoid": ("gamma: 0.5 stepsize: 4", lambda i: 0.5 / (1 + math.exp(-0.5 * (i - 4)))),
}


def policy(name: str, message: Any) -> Any:
    return plugin_manager().get("lr_policies", name).item(message)


@pytest.mark.parametrize("name", list(CASES))
def test_rates(name: str, param: Callable[[str], Any]) -> None:
    text, formula = CASES[name]
    one = policy(name, param(f"base_lr: 0.5 {text}"))
    one.check()
    assert [one.rate(i) for i in range(10)] == pytest.approx([formula(i) for i in range(10)], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("fixed", "base_lr: -1", "base_lr >= 0"),
        ("step", "base_lr: 1 gamma: 0.1", "stepsize > 0"),
        ("exp", "base_lr: 1 gamma: -1", "gamma >= 0; got gamma: -1"),
        ("poly", "base_lr: 1 power: 1", "max_iter > 0"),
        ("sigmoid", "base_lr: 1 gamma: 1", "stepsize > 0"),
    ],
)
def test_refused(name: str, text: str, message: str, param: Callable[[str], Any]) -> None:
    with pytest.raises(SolverError, match=message):
        policy(name, param(text)).check()


def test_multistep_goes_down_one_step_an_iteration(param: Callable[[str], Any]) -> None:
    one = policy("multistep", param("base_lr: 1 gamma: 0.5 stepvalue: 3 stepvalue: 2"))
    assert [one.rate(i) for i in range(6)] == [1, 1, 1, 0.5, 0.25, 0.25]


def test_poly_ends_at_zero(param: Callable[[str], Any]) -> None:
    one = policy("poly", param("base_lr: 1 power: 0.5 max_iter: 4"))
    assert [one.rate(4), one.rate(9)] == [0, 0]


def test_sigmoid_takes_numbers_that_overflow(param: Callable[[str], Any]) -> None:
    assert policy("sigmoid", param("base_lr: 1 gamma: 1 stepsize: 100000")).rate(0) < 1e-300


def test_every_policy_has_a_case() -> None:
    assert {entry.name for entry in plugin_manager().registry("lr_policies").all()} == set(CASES)
