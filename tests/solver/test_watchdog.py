"""The first NaN or infinity is named: iteration, layer, blob, pass, and the range of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cortado import Solver
from cortado.errors import NumericsError, SolverError
from cortado.solver import Callback
from cortado.solver.callbacks.health import Health

DATA = """
layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "uniform" min: 0.5 max: 1 }
  data_filler { type: "gaussian" } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p"
  inner_product_param { num_output: 2 weight_filler { value: 1 } } }
"""
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "%s" bottom: "y" top: "loss" }'
IN_PLACE = """
layer { name: "relu" type: "ReLU" bottom: "p" top: "p" }
layer { name: "log" type: "Log" bottom: "p" top: "l" }
"""


class At(Callback):
    """Calls *act* when iteration *iteration* has its gradients."""

    def __init__(self, iteration: int, act: Callable[[Solver], None]) -> None:
        self.iteration, self.act = iteration, act

    def on_gradients(self, solver: Solver) -> None:
        if solver.iteration == self.iteration:
            self.act(solver)


def refused(solver: Solver, steps: int = 9) -> NumericsError:
    with pytest.raises(NumericsError) as caught:
        solver.step(steps)
    return caught.value


def test_forward(make: Callable[..., Solver]) -> None:
    """The logarithm of a negative number, of what an in-place ReLU would have hidden."""
    net = DATA + 'layer { name: "log" type: "Log" bottom: "p" top: "l" }' + LOSS % "l"
    solver = make(net=net, callbacks=[At(2, lambda s: s.net.params["ip"][0].data.fill(-100.0))])
    error = refused(solver)
    assert (error.iteration, error.layer, error.when) == (3, "log", "forward")
    text = str(error)
    assert text.startswith("iteration 3: layer 'log' (Log): forward must make finite numbers; 8 NaN in blob 'l'; got ")
    assert "bottom 'p' from -" in text
    assert "lower base_lr (the last rate was 0.1)" in text


def test_forward_of_a_layer_in_place(make: Callable[..., Solver]) -> None:
    """Three layers write one blob; it is the second that fails."""
    net = (
        DATA
        + """
    layer { name: "root" type: "Power" bottom: "p" top: "p" power_param { power: 0.5 shift: -100 } }
    layer { name: "last" type: "ReLU" bottom: "p" top: "p" }"""
        + LOSS % "p"
    )
    error = refused(make(net=net))
    assert (error.iteration, error.layer, error.blob) == (0, "root", "blob 'p'")


def test_data_that_are_not_numbers(make: Callable[..., Solver]) -> None:
    net = DATA.replace('type: "uniform" min: 0.5 max: 1', "value: nan") + LOSS % "p"
    error = refused(make(net=net))
    assert (error.layer, error.blob) == ("data", "blob 'x'")
    assert "look at the data" in str(error)


def test_backward(make: Callable[..., Solver]) -> None:
    """A root has a value at 0, and no gradient."""
    net = (
        DATA
        + """
    layer { name: "zero" type: "Power" bottom: "p" top: "z" power_param { scale: 0 } }
    layer { name: "root" type: "Power" bottom: "z" top: "r" power_param { power: 0.5 } }"""
        + LOSS % "r"
    )
    error = refused(make(net=net))
    assert (error.iteration, error.layer, error.when) == (0, "root", "backward")
    assert error.blob == "the gradient of blob 'z'"


def test_update(make: Callable[..., Solver]) -> None:
    """A gradient that is finite, and times the learning rate no longer is."""
    huge = At(0, lambda s: s.net.params["ip"][1].diff.fill(3e38))
    error = refused(make(net=DATA + LOSS % "p", fields={"base_lr": 10.0}, callbacks=[huge]))
    assert (error.iteration, error.layer, error.when) == (0, "ip", "update")
    assert error.blob == "parameter 'ip[1]'"
    assert "2 infinite" in str(error)


def test_ignore_trains_on(make: Callable[..., Solver]) -> None:
    solver = make(net=DATA.replace('type: "uniform" min: 0.5 max: 1', "value: nan") + LOSS % "p", on_nan="ignore")
    solver.step(3)
    assert solver.iteration == 3
    assert np.isnan(solver.net.params["ip"][0].data).all()


def test_rollback_goes_back_with_a_lower_rate(make: Callable[..., Solver]) -> None:
    lines: list[str] = []
    once = iter([True])

    class Listen(Callback):
        def on_message(self, solver: Solver, source: str, text: str) -> None:
            lines.append(text)

    def spoil(solver: Solver) -> None:
        if next(once, False):
            solver.net.params["ip"][0].data.fill(np.nan)

    solver = make("snapshot: 2\n", net=DATA + LOSS % "p", on_nan="rollback", callbacks=[At(5, spoil), Listen()])
    rows = list(solver.train(9))
    assert [row.iteration for row in rows] == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]
    assert [round(row.rate, 6) for row in rows] == [0.1] * 5 + [0.01] * 5
    assert any(line.startswith("iteration 5: layer 'ip' (InnerProduct): update must") for line in lines)
    assert any(line.startswith("Back to iteration 4, and on with 0.1 times") for line in lines)
    again = make(net=DATA + LOSS % "p")
    again.restore(again.param.snapshot_prefix + "_iter_8.solverstate")
    assert again.rate_factor == pytest.approx(0.1)


def test_rollback_gives_up(make: Callable[..., Solver]) -> None:
    spoil = At(5, lambda s: s.net.params["ip"][0].data.fill(np.nan))
    solver = make("snapshot: 2\n", net=DATA + LOSS % "p", on_nan="rollback", callbacks=[spoil])
    assert refused(solver).iteration == 5
    assert solver.rate_factor == pytest.approx(0.001)


def test_rollback_without_a_snapshot_stops(make: Callable[..., Solver]) -> None:
    spoil = At(1, lambda s: s.net.params["ip"][0].data.fill(np.nan))
    assert refused(make(net=DATA + LOSS % "p", on_nan="rollback", callbacks=[spoil])).iteration == 1


def test_other_effects_are_refused(make: Callable[..., Solver]) -> None:
    with pytest.raises(SolverError, match="on_nan is one of stop, rollback, ignore; got later"):
        make(on_nan="later")


def test_health(make: Callable[..., Solver]) -> None:
    net = (
        DATA.replace("value: 1 }", "value: -1 }")
        + """
    layer { name: "relu" type: "ReLU" bottom: "p" top: "r" }
    layer { name: "ip2" type: "InnerProduct" bottom: "r" top: "q" param { lr_mult: 1e5 } param { lr_mult: 1e5 }
      inner_product_param { num_output: 2 weight_filler { value: 1 } bias_filler { value: 1 } } }
    """
        + LOSS % "q"
    )
    lines: list[str] = []

    class Listen(Callback):
        def on_message(self, solver: Solver, source: str, text: Any) -> None:
            lines.append(text)

    make(net=net, callbacks=[Listen(), Health(every=2)]).step(1)
    assert any("ip[0]: gradient 0, update/weights 0 vanishing" in line for line in lines)
    assert any("ip2[1]: gradient " in line and line.endswith("exploding") for line in lines)
    assert any(line.endswith("relu: 2 of 2 units are 0 for the whole batch") for line in lines)
