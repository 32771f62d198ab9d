"""Which nets a solver asks for, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cortado.errors import CortadoError, SolverError
from cortado.layers import Phase
from cortado.plugins import plugin_manager
from cortado.solver import Solver
from cortado.solver.plan import plan_solver

NET = 'net_param { layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 1 } } } }\n'


@pytest.fixture
def plan(param: Callable[[str], Any], tmp_path: Path) -> Callable[..., Any]:
    return lambda text, **more: plan_solver(param(text), plugin_manager(), tmp_path, **more)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "exactly one training net"),
        (NET + 'train_net: "x"', "exactly one training net"),
        ('net: "nowhere.prototxt"', "'net' must name a net file; got 'nowhere.prototxt', which is not there"),
        (NET + "test_iter: 1", "test_interval must be at least 1"),
        (
            NET.replace("net_param", "train_net_param") + "test_iter: 1 test_interval: 1",
            "once per test net; got 1 for 0",
        ),
        (
            NET + NET.replace("net_param", "test_net_param") + "test_interval: 1",
            "at least once per test net; got 0 for 1",
        ),
        (NET + "test_iter: 1 test_interval: 1 test_state {} test_state {}", r"once per test net \(1\); got 2"),
    ],
)
def test_refused(plan: Callable[..., Any], text: str, message: str) -> None:
    with pytest.raises(SolverError, match=message):
        plan(text)


def test_test_nets_come_in_the_order_of_caffe(plan: Callable[..., Any]) -> None:
    own = NET.replace("net_param", "test_net_param")
    made = plan(
        NET + own + "test_iter: 7 test_iter: 8 test_interval: 1 test_state { stage: 'a' } test_state { level: 2 }"
    )
    assert [(t.source, t.batches) for t in made.tests] == [("test_net_param #0", 7), ("net_param", 8)]
    assert [(t.state.phase, t.state.level, t.state.stages) for t in made.tests] == [
        (Phase.TEST, 0, ("a",)),
        (Phase.TEST, 2, ()),
    ]


def test_states_are_laid_over_each_other(plan: Callable[..., Any]) -> None:
    text = NET.replace("net_param {", "net_param { state { level: 3 stage: 'own' }") + "train_state { stage: 'train' }"
    state = plan(text, level=5, stages=["told"]).train.state
    assert (state.phase, state.level, state.stages) == (Phase.TRAIN, 5, ("own", "train", "told"))


@pytest.mark.parametrize(
    ("extra", "error", "message"),
    [
        ('type: "SDG"\n', SolverError, "did you mean 'SGD'"),
        ('regularization_type: "L3"\n', SolverError, "known: ElasticNet, L1, L2"),
        ("iter_size: 0\n", SolverError, "iter_size must be at least 1; got 0"),
        ("average_loss: 0\n", SolverError, "average_loss must be at least 1; got 0"),
        ("display: -1\n", SolverError, "display must be at least 0; got -1"),
        ("snapshot: -1\n", SolverError, "snapshot must be at least 0; got -1"),
        ("test_iter: 2 test_iter: -1\n", SolverError, "test_iter must be at least 0; got -1"),
        ('type: "AdaGrad"\nmomentum: 0.9\n', SolverError, "AdaGrad has no momentum; got momentum: 0.9"),
        ('type: "RMSProp"\nmomentum: 0.9\n', SolverError, "RMSProp has no momentum"),
    ],
)
def test_refused_fields(make: Callable[..., Solver], extra: str, error: type[CortadoError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        make(extra)
    assert "solver.prototxt" in str(caught.value)


def test_a_solver_is_a_path_or_a_message() -> None:
    with pytest.raises(SolverError, match="named by a path"):
        Solver(12)


def test_fields_override_the_file(make: Callable[..., Solver]) -> None:
    solver = make(fields={"max_iter": 3, "stepvalue": [1, 2]})
    assert (solver.param.max_iter, list(solver.param.stepvalue)) == (3, [1, 2])
