"""Watch: what a test score does, for parts that act on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import SolverError, nearest

if TYPE_CHECKING:
    from ..metrics import TestResult
    from ..solver import Solver

LOWER, HIGHER = "LOWER", "HIGHER"


@dataclass
class Watch:
    """Keeps the best value of one test score, and counts the tests since.

    *metric*: an output of the test net, or ``loss`` for the weighted loss; *better*: LOWER or HIGHER; *minimum*: by how
    much a value must be better than the best one to count; *net*: which test net; *who*: for messages.
    """

    metric: str
    better: str
    minimum: float
    net: int
    who: str
    best: float = math.nan
    since: int = 0

    @classmethod
    def of(cls, param: Any, better: str, who: str) -> Watch:
        """A watch as *param* says, which has the fields ``metric``, ``min_delta`` and ``test_net``."""
        return cls(param.metric, better, param.min_delta, param.test_net, who)

    def check(self, solver: Solver) -> None:
        """Errors: SolverError where *solver* has no such test, or never tests."""
        if not solver.test_nets or not solver.param.test_interval:
            raise SolverError("needs a test net and a test_interval, as it acts on a test score", who=self.who)
        if self.net >= len(solver.test_nets):
            raise SolverError(f"test_net must be below {len(solver.test_nets)}", who=self.who, got=str(self.net))
        outputs = solver.test_nets[self.net].outputs
        if self.metric not in ("loss", *outputs):
            hint = nearest(self.metric, outputs) or f"it has {', '.join(outputs) or 'none'}"
            rule = "metric must be 'loss' or an output of the test net"
            raise SolverError(rule, who=self.who, got=f"'{self.metric}'", hint=hint)

    def take(self, result: TestResult) -> bool | None:
        """Whether *result* is the best so far; None where it is that of another net."""
        if result.net != self.net:
            return None
        value = result.loss if self.metric == "loss" else result[self.metric]
        margin = self.best - value if self.better == LOWER else value - self.best
        improved = not math.isnan(value) and (math.isnan(self.best) or margin > self.minimum)
        if improved:
            self.best = value
        self.since = 0 if improved else self.since + 1
        return improved
