"""What the policies with fields of their own do beyond one formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cortado.errors import SolverError
from cortado.plugins import plugin_manager
from cortado.solver import TestResult as Result

NET = """
name: "tested"
layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 2 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" inner_product_param { num_output: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }
"""
TESTS = 'base_lr: 1\nlr_policy: "plateau"\nmax_iter: 10\ntest_iter: 1\ntest_interval: 1\n'


def policy(name: str, message: Any) -> Any:
    made = plugin_manager().get("lr_policies", name).item(message)
    made.check()
    return made


def result(iteration: int, value: float, net: int = 0) -> Result:
    return Result(iteration, net, 1, value, (("loss", value, 1.0),))


def test_cosine_starts_again_in_longer_cycles(param: Callable[[str], Any]) -> None:
    one = policy("cosine", param("base_lr: 1 cosine_param { cycle: 2 growth: 2 }"))
    rates = [one.rate(i) for i in range(15)]
    starts = [i for i, rate in enumerate(rates) if rate == pytest.approx(1)]
    assert starts == [0, 2, 6, 14]
    assert rates[1] == pytest.approx(0.5)
    assert rates[4] == pytest.approx(0.5)
    assert rates[10] == pytest.approx(0.5)


def test_cosine_in_equal_cycles(param: Callable[[str], Any]) -> None:
    one = policy("cosine", param("base_lr: 1 cosine_param { cycle: 4 minimum: 0.5 }"))
    assert [one.rate(i) for i in (0, 2, 4, 8, 10)] == pytest.approx([1, 0.75, 1, 1, 0.75])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("cosine", "base_lr: 1 max_iter: 5", "needs its own block, cosine_param; got none"),
        ("cosine", "base_lr: 1 cosine_param { }", "needs max_iter > 0"),
        ("cosine", "base_lr: 1 max_iter: 5 cosine_param { minimum: 2 }", "minimum <= base_lr; got 2 and 1"),
        ("warmup", 'base_lr: 1 warmup_param { policy: "plateau" }', "policy of the iteration alone; got 'plateau'"),
        ("warmup", 'base_lr: 1 warmup_param { policy: "warmup" }', "policy of the iteration alone; got 'warmup'"),
        ("warmup", 'base_lr: 1 warmup_param { policy: "stpe" }', "did you mean 'step'"),
        ("warmup", 'base_lr: 1 warmup_param { policy: "step" }', "stepsize > 0"),
    ],
)
def test_refused(name: str, text: str, message: str, param: Callable[[str], Any]) -> None:
    with pytest.raises(SolverError, match=message):
        policy(name, param(text))


def test_warmup_begins_at_a_share_and_then_leaves_the_rate_alone(param: Callable[[str], Any]) -> None:
    one = policy("warmup", param("base_lr: 2 warmup_param { iterations: 4 start: 0.5 }"))
    assert [one.rate(i) for i in range(6)] == pytest.approx([1.25, 1.5, 1.75, 2, 2, 2])


def test_warmup_saves_the_step_of_the_inner_policy(param: Callable[[str], Any]) -> None:
    text = 'base_lr: 1 gamma: 0.5 stepvalue: 1 stepvalue: 2 warmup_param { iterations: 1 policy: "multistep" }'
    one = policy("warmup", param(text))
    assert [one.rate(i) for i in range(4)] == [1, 0.5, 0.25, 0.25]
    assert one.current_step == 2
    other = policy("warmup", param(text))
    other.current_step = 2
    assert other.rate(3) == 0.25


def test_plateau_drops_after_so_many_tests_without_a_better_one(make: Any) -> None:
    own = "plateau_param { patience: 2 factor: 0.5 minimum: 0.2 min_delta: 0.1 }"
    solver = make(own, net=NET, base=TESTS)
    policy = solver.policy
    policy.on_start(solver)
    rates = []
    for iteration, value in enumerate([5, 4, 3.95, 3.95, 3, 3, 9, 9, 9, 9, 9]):
        policy.on_test(solver, result(iteration, value))
        rates.append(policy.rate(iteration))
    assert rates == pytest.approx([1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2])
    assert policy.current_step == 4


def test_plateau_of_a_score_that_should_rise(make: Any) -> None:
    solver = make('plateau_param { metric: "loss" better: HIGHER patience: 1 }', net=NET, base=TESTS)
    for iteration, value in enumerate([1, 2, 2, float("nan")]):
        solver.policy.on_test(solver, result(iteration, value))
    assert solver.policy.current_step == 2
    assert solver.policy.watch.best == 2


def test_plateau_counts_a_test_once_and_other_nets_never(make: Any) -> None:
    solver = make("plateau_param { patience: 1 }", net=NET, base=TESTS)
    for _ in range(3):
        solver.policy.on_test(solver, result(0, 1.0))
        solver.policy.on_test(solver, result(1, 1.0, net=1))
    assert solver.policy.current_step == 0


def test_plateau_is_told_by_the_solver(make: Any) -> None:
    solver = make("plateau_param { patience: 3 }", net=NET, base=TESTS)
    solver.solve()
    assert solver.policy.current_step == 3, "a loss that stays at 0 was tested at 0, and then 10 times"
    assert solver.rate == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('plateau_param { metric: "los" }', "metric must be 'loss' or an output of the test net; got 'los'.*'loss'"),
        ("plateau_param { test_net: 2 }", "test_net must be below 1; got 2"),
    ],
)
def test_plateau_needs_its_score(make: Any, text: str, message: str) -> None:
    solver = make(text, net=NET, base=TESTS)
    with pytest.raises(SolverError, match=message):
        solver.step(1)


def test_plateau_needs_tests(make: Any) -> None:
    solver = make("", net=NET, base='base_lr: 1\nlr_policy: "plateau"\n')
    with pytest.raises(SolverError, match="lr_policy 'plateau': needs a test net and a test_interval"):
        solver.step(1)
