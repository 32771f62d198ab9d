"""Early stopping: when it stops, what it keeps, and what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from cortado.cli import program
from cortado.errors import ParseError, SolverError
from cortado.solver import Callback, TestResult as Result
from cortado.solver.callbacks.early_stopping import EarlyStopping

NET = """
name: "tested"
layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 2 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" inner_product_param { num_output: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }
"""
TESTS = 'base_lr: 1\nlr_policy: "fixed"\nmax_iter: 100\ntest_iter: 1\ntest_interval: 10\nrandom_seed: 1\n'


class Ear(Callback):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_message(self, solver: Any, source: str, text: str) -> None:
        self.heard.append(text)


def stopper(solver: Any) -> EarlyStopping:
    (found,) = [callback for callback in solver.callbacks if isinstance(callback, EarlyStopping)]
    return found


def test_the_solver_file_switches_it_on(make: Any) -> None:
    assert not make("", net=NET, base=TESTS).callbacks
    assert stopper(make("early_stopping_param { }", net=NET, base=TESTS))


def test_ends_the_run_and_says_why(make: Any) -> None:
    solver = make("early_stopping_param { patience: 3 }", net=NET, base=TESTS)
    ear = Ear()
    solver.callbacks.append(ear)
    solver.solve()
    assert solver.iteration == 30, "the loss is 0 at 0, and not better at 10, 20 and 30"
    assert solver.stopped
    assert not solver.interrupted
    assert "Stopping: loss has not been better than 0 since iteration 0" in ear.heard


def test_keeps_the_best_weights_and_their_state(make: Any, tmp_path: Path) -> None:
    solver = make("early_stopping_param { patience: 2 min_delta: 0.5 }", net=NET, base=TESTS)
    callback, weights = stopper(solver), solver.net.params["ip"][0]
    callback.on_start(solver)
    for iteration, loss in enumerate([4, 2, 1.6, 1]):
        weights.data[...] = iteration
        solver.iteration = iteration
        callback.on_test(solver, Result(iteration, 0, 1, loss, (("loss", loss, 1.0),)))
    assert (callback.best_iteration, callback.watch.best) == (3, 1)
    assert callback.best_weights == tmp_path / "s_best.caffemodel"
    weights.data[...] = 99
    solver.restore(tmp_path / "s_best.solverstate")
    np.testing.assert_array_equal(weights.data, 3)
    assert solver.iteration == 3
    assert not solver.stopped
    assert sorted(path.name for path in tmp_path.glob("s_*")) == [
        "s_best.caffemodel",
        "s_best.cortado",
        "s_best.solverstate",
    ]


def test_a_run_that_was_stopped_can_be_tested(make: Any) -> None:
    solver = make("early_stopping_param { patience: 1 }", net=NET, base=TESTS)
    solver.step(100)
    assert solver.stopped
    assert [result["loss"] for result in solver.test()] == [0]


def test_on_the_command_line_it_is_a_success(make: Any) -> None:
    solver = make("early_stopping_param { patience: 2 }", net=NET, base=TESTS)
    result = CliRunner().invoke(program, ["train", str(solver.source), "--log"])
    assert result.exit_code == 0, result.output
    assert "Stopping: loss has not been better than 0 since iteration 0" in result.output


def test_can_do_without_files(make: Any, tmp_path: Path) -> None:
    solver = make("early_stopping_param { patience: 1 keep_best: false }", net=NET, base=TESTS)
    solver.step(100)
    assert solver.iteration == 10
    assert stopper(solver).best_weights is None
    assert not list(tmp_path.glob("s_best*"))


def test_rules_of_its_parameters(make: Any) -> None:
    with pytest.raises(ParseError, match="patience: must be at least 1; got 0"):
        make("early_stopping_param { patience: 0 }", net=NET, base=TESTS)


def test_needs_tests(make: Any) -> None:
    solver = make("early_stopping_param { }", net=NET)
    with pytest.raises(SolverError, match="callback 'early-stopping': needs a test net"):
        solver.step(1)
