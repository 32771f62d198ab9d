"""The gradient of every regularizer against the difference quotient of its loss, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cortado.engines import get_engine
from cortado.errors import CortadoError
from cortado.plugins import plugin_manager
from cortado.solver import Solver

CASES = {"L1": "", "L2": "", "ElasticNet": "elastic_net_param { alpha: 0.3 beta: 0.2 }"}


def regularizer(name: str, message: Any) -> Any:
    return plugin_manager().get("regularizers", name).item(message, get_engine("reference"))


@pytest.mark.parametrize("name", list(CASES))
def test_gradient_is_that_of_the_loss(name: str, param: Callable[[str], Any]) -> None:
    term = regularizer(name, param(CASES[name]))
    rng = np.random.default_rng(1)
    w = rng.choice([-1, 1], size=7) * rng.uniform(0.1, 1, size=7)
    g = rng.normal(size=7)
    want = g.copy()
    for index in range(7):
        ahead, behind = w.copy(), w.copy()
        ahead[index] += 1e-6
        behind[index] -= 1e-6
        want[index] += (term.loss(ahead, 0.7) - term.loss(behind, 0.7)) / 2e-6
    term.add_gradient(w, g, 0.7)
    np.testing.assert_allclose(g, want, rtol=1e-6)


@pytest.mark.parametrize("name", list(CASES))
def test_zero_weights_are_not_pulled(name: str, param: Callable[[str], Any]) -> None:
    g = np.zeros(3)
    regularizer(name, param(CASES[name])).add_gradient(np.zeros(3), g, 1.0)
    assert (g == 0).all()


@pytest.mark.parametrize(("alpha", "beta", "like"), [(0, 0.5, "L2"), (1, 0, "L1")])
def test_elastic_net_contains_the_others(alpha: float, beta: float, like: str, param: Callable[[str], Any]) -> None:
    w = np.random.default_rng(2).normal(size=9)
    both = regularizer("ElasticNet", param(f"elastic_net_param {{ alpha: {alpha} beta: {beta} }}"))
    other = regularizer(like, param(""))
    mine, theirs = np.zeros(9), np.zeros(9)
    both.add_gradient(w, mine, 0.3)
    other.add_gradient(w, theirs, 0.3)
    np.testing.assert_allclose(mine, theirs)
    assert both.loss(w, 0.3) == pytest.approx(other.loss(w, 0.3))


def test_elastic_net_refuses_negative_weights(make: Callable[..., Solver]) -> None:
    with pytest.raises(CortadoError, match="alpha"):
        make('regularization_type: "ElasticNet"\nelastic_net_param { alpha: -1 }\n')


def test_decay_mult_0_keeps_a_parameter_out(make: Callable[..., Solver]) -> None:
    net = """
    layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param {
      shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 } data_filler { value: 0 } data_filler { value: 0 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" param { decay_mult: 2 } param { decay_mult: 0 }
      inner_product_param { num_output: 1 weight_filler { value: 1 } bias_filler { value: 0 } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }"""
    solver = make("weight_decay: 0.5\n", net=net)
    solver.net.params["ip"][1].data[...] = 0
    solver.step(1)
    np.testing.assert_allclose(solver.net.params["ip"][0].data, 1 - 0.1 * 0.5 * 2, rtol=1e-6)
    assert (solver.net.params["ip"][1].data == 0).all()


def test_every_regularizer_has_a_case() -> None:
    assert {entry.name for entry in plugin_manager().registry("regularizers").all()} == set(CASES)
