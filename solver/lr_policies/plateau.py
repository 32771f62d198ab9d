"""plateau: a drop when a test score no longer gets better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ...plugins import Choice, Float, Int, Parameters, ParametersClass, String, UInt, hookimpl
from ..callbacks import Callback
from ..callbacks.watch import HIGHER, LOWER, Watch
from .base import LearningRatePolicy

if TYPE_CHECKING:
    from ..metrics import TestResult
    from ..solver import Solver


class PlateauParameter(Parameters, field="plateau_param", number=5020, owner="SolverParameter"):
    metric = String(1, default="loss", doc="an output of the test net, or 'loss' for its weighted loss")
    better = Choice(2, (LOWER, HIGHER), doc="which values are the better ones")
    patience = Int(3, default=5, minimum=1, doc="tests without a better value before the rate drops")
    factor = Float(4, default=0.1, above=0, below=1, doc="what the rate is multiplied by")
    minimum = Float(5, default=0, minimum=0, doc="the rate below which it does not drop")
    min_delta = Float(6, default=0, minimum=0, doc="by how much a value must be better to count")
    test_net = UInt(7, default=0, doc="which test net")


class Plateau(LearningRatePolicy, Callback):
    """Rate ``max(minimum, base_lr · factor ^ drops)``, with one more drop when a test score stands still.

    After each test the score is compared with the best one so far. ``patience`` tests in a row that are not better by
    more than ``min_delta`` make a drop, and the counting starts again. The number of drops is saved with the solver
    state, the best score beside it; where only the solver state is left, a resumed run waits for it anew.

    Parameters, ``plateau_param``: ``metric`` ("loss"), ``better`` (LOWER, or HIGHER, as for an accuracy), ``patience``
    (5), ``factor`` (0.1), ``minimum`` (0), ``min_delta`` (0), ``test_net`` (0).
    Errors: SolverError at the start of a run without tests, or whose test net has no such output.

    Example::

        lr_policy: "plateau"  base_lr: 0.1  test_interval: 100
        plateau_param { metric: "accuracy" better: HIGHER patience: 3 factor: 0.5 }
    """

    type: ClassVar[str] = "plateau"
    parameters: ClassVar[ParametersClass | None] = PlateauParameter

    def __init__(self, param: Any) -> None:
        super().__init__(param)
        own = param.plateau_param
        self.watch = Watch.of(own, PlateauParameter.better.choice(own.better), "lr_policy 'plateau'")
        self._tested = -1

    def rate(self, iteration: int) -> float:
        own = self.param.plateau_param
        return float(max(own.minimum, self.param.base_lr * own.factor**self.current_step))

    def on_start(self, solver: Solver) -> None:
        self.watch.check(solver)

    def on_test(self, solver: Solver, result: TestResult) -> None:
        if result.iteration == self._tested or self.watch.take(result) is None:
            return
        self._tested = result.iteration
        if self.watch.since >= self.param.plateau_param.patience:
            self.watch.since = 0
            self.current_step += 1
            rate = self.rate(solver.iteration)
            solver.message("plateau", f"{self.watch.metric} stands at {self.watch.best:g}: learning rate {rate:g}")

    def run_state(self) -> dict[str, Any]:
        return {"best": self.watch.best, "since": self.watch.since, "tested": self._tested}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        self.watch.best, self.watch.since, self._tested = state["best"], state["since"], state["tested"]


@hookimpl
def cortado_lr_policies() -> list[type[LearningRatePolicy]]:
    return [Plateau]
