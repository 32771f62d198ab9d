"""Watchdog: the first NaN or infinity of a run is found when it arises, and told where it arose."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NumericsError, SolverError
from .locate import Finding, in_backward, in_forward, in_parameters, in_update

if TYPE_CHECKING:
    from ..netdef.net import Net
    from .solver import Solver
    from .update import Finite

EFFECTS = ("stop", "rollback", "ignore")


class Watchdog:
    """Looks at every loss, and has each update look at the gradients that it applies and at the weights that it makes,
    which costs no reading of its own: a part of a parameter (some 30,000 numbers) whose gradient is not finite is not
    updated, other parts may have been before that stops the run.

    *effect*: ``stop`` ends the run with a NumericsError that names iteration, layer, blob, pass and range of values;
    ``rollback`` goes back to the last snapshot and on with the learning rate times *factor* (0.1), at most *most* (3)
    times; ``ignore`` trains on, as Caffe does.
    """

    def __init__(self, effect: str = "stop", factor: float = 0.1, most: int = 3) -> None:
        if effect not in EFFECTS:
            raise SolverError(f"on_nan is one of {', '.join(EFFECTS)}", got=effect)
        self.watches = effect != "ignore"
        self.effect, self.factor, self.left = effect, factor, most
        self.good: Path | None = None

    def check_loss(self, solver: Solver, loss: float) -> None:
        """After a forward. Errors: NumericsError."""
        if self.watches and not math.isfinite(loss):
            self._refuse(solver, "forward", in_forward(solver.net), f"loss is {loss}")

    def check_gradients(self, solver: Solver) -> None:
        """When there is reason to. Errors: NumericsError."""
        if self.watches:
            self._refuse(solver, "backward", _made_in_backward(solver.net))

    def check_update(self, solver: Solver, finite: Finite) -> None:
        """After an update, which has told whether all was *finite*. Errors: NumericsError."""
        if not finite.gradients:
            self.check_gradients(solver)
        if not finite.weights and self.watches:
            self._refuse(solver, "update", in_update(solver.net))

    def check_weights(self, solver: Solver) -> None:
        """Before a snapshot. Errors: NumericsError."""
        sumsq = solver.engine.sumsq
        if self.watches and not math.isfinite(sum(sumsq(p.blob.data) for p in solver.net.learnable)):
            self._refuse(solver, "update", in_update(solver.net))

    def recover(self, solver: Solver, error: NumericsError) -> bool:
        """Go back as *error* has it that the run failed; False where that is not asked for, or no longer possible."""
        if self.effect != "rollback" or self.left < 1 or self.good is None:
            return False
        self.left -= 1
        factor = solver.rate_factor * self.factor
        solver.message("watchdog", str(error))
        solver.restore(self.good)
        solver.rate_factor = factor
        text = f"Back to iteration {solver.iteration}, and on with {factor:g} times the learning rate"
        solver.message("watchdog", f"{text} ({self.left} such attempts left)")
        return True

    def _refuse(self, solver: Solver, when: str, finding: Finding | None, otherwise: str = "") -> None:
        if finding is None and not otherwise:
            return  # finite numbers whose squares are not
        if finding is None:
            finding = Finding("", "", otherwise, "all blobs are finite, so their sum is too large")
        hint = finding.hint or f"lower base_lr (the last rate was {solver.rate:g}), or set clip_gradients"
        where = f"iteration {solver.iteration}"
        error = NumericsError(finding.rule(when), where=where, who=finding.who or "solver", got=finding.got, hint=hint)
        error.iteration, error.layer, error.blob, error.when = solver.iteration, finding.layer, finding.blob, when
        raise error


def _made_in_backward(net: Net) -> Finding | None:
    """Which layer made a gradient that is not finite. Where gradients share their memory most of them are gone: then
    the last backward pass is done again, with memory for each."""
    if not net.gradients_are_shared:
        return in_backward(net)
    parameter = in_parameters(net)
    if parameter is None:
        return None
    net.keep_gradients()
    net.clear_param_diffs()
    net.backward()
    return in_backward(net) or parameter
