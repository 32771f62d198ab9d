"""Run: the training loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import NumericsError
from .attempt import Attempt, StopNow
from .metrics import SmoothedLoss, TrainMetrics, scores
from .update import apply_update

if TYPE_CHECKING:
    from .solver import Solver


class Run:
    """The iterations of a solver, with the tests, displays and snapshots that fall due.

    Attributes: ``smoothed``, the mean of the last losses, and ``start``, the iteration with the first of them;
    ``tested``, the last iteration before which was tested; ``stopping`` and ``snapshot_wanted``, what was asked for;
    ``attempt``, what is going on.
    """

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.attempt = Attempt(solver)
        self.stopping = self.snapshot_wanted = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.smoothed, self.start = SmoothedLoss(max(1, self.solver.param.average_loss)), self.solver.iteration
        self.tested: int | None = None
        self._carries_on = False

    def carry_on(self, smoothed: SmoothedLoss, start: int) -> None:
        """Let the next ``train`` go on averaging losses from here, instead of beginning anew."""
        self.smoothed, self.start, self._carries_on = smoothed, start, True

    def train(self, until: int) -> Iterator[TrainMetrics]:
        """Iterations up to number *until*, or until the run is to stop; yields the metrics of each after its update."""
        solver = self.solver
        self.stopping = False
        if not self._carries_on:
            self._begin_anew()
        self._carries_on = False
        self.attempt.take_up()
        solver.parallel.start(solver)
        solver.notify("on_start", solver)
        try:
            while solver.iteration < until and not self.stopping:
                try:
                    if self._test_due() and not self._test():
                        break
                    metrics = self._iterate()
                except StopNow:
                    self.attempt.give_up()
                    break
                except NumericsError as error:
                    self.attempt.busy = False
                    if not solver.watchdog.recover(solver, error):
                        raise
                    self._carries_on = False  # it does, in this very loop
                    continue
                yield metrics
                if self._snapshot_due():
                    self.snapshot_wanted = False
                    solver.snapshot()
        finally:
            self.attempt.busy = False
            solver.notify("on_end", solver)

    def _iterate(self) -> TrainMetrics:
        """One iteration: gradients, then the update."""
        solver = self.solver
        self.attempt.begin_iteration()
        loss = self._gradients() / solver.param.iter_size
        self.attempt.end()
        smoothed = self.smoothed.add(loss, solver.iteration - self.start)
        solver.rate = solver.policy.rate(solver.iteration) * solver.rate_factor
        metrics = TrainMetrics(solver.iteration, loss, smoothed, solver.rate)
        if solver.param.display and solver.iteration % solver.param.display == 0:
            solver.notify("on_display", solver, metrics._replace(outputs=scores(solver.net)))
            solver.parallel.tell(solver)
        solver.notify("on_gradients", solver)
        solver.watchdog.check_update(solver, apply_update(solver, solver.watchdog.watches))
        solver.iteration += 1
        solver.notify("on_iteration", solver, metrics)
        return metrics

    def _gradients(self) -> float:
        """Forward and backward, iter_size times; returns the sum of the losses, the mean of it over all ranks."""
        solver, loss = self.solver, 0.0
        if not solver.net.gradients_are_clear:
            solver.net.clear_param_diffs()
        for turn in range(solver.param.iter_size):
            one = solver.net.forward()
            if solver.parallel.world == 1:  # else all look at the sum, so that all stop
                solver.watchdog.check_loss(solver, one)
            loss += one
            solver.parallel.before_backward(solver, turn, loss)
            solver.net.backward()
        loss = solver.parallel.reduced(solver, loss)
        solver.watchdog.check_loss(solver, loss)
        return loss

    def _test_due(self) -> bool:
        solver, interval = self.solver, self.solver.param.test_interval
        if not interval or solver.iteration % interval or not solver.test_nets or self.tested == solver.iteration:
            return False
        return solver.iteration > 0 or solver.param.test_initialization

    def _test(self) -> bool:
        """Test; False where the run is to stop. When the test was interrupted it is as if it had not begun."""
        solver = self.solver
        self.attempt.begin_test()
        complete = len(solver.test()) == len(solver.test_nets)
        solver.parallel.agree(solver)
        if complete:
            self.attempt.end()
            self.tested = solver.iteration
        else:
            self.attempt.give_up()
        return not self.stopping

    def _snapshot_due(self) -> bool:
        interval = self.solver.param.snapshot
        return self.snapshot_wanted or bool(interval and self.solver.iteration % interval == 0)
