"""pycaffe's solvers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugins import plugin_manager
from ..proto import read_solver
from ..solver import Callback, Solver as _Solver
from .mode import settings
from .net import Net


class _Hooks(Callback):
    """The two functions of ``add_callback``, as a callback."""

    def __init__(self, on_start: Callable[[], None], on_gradients_ready: Callable[[], None]) -> None:
        self.start, self.ready = on_start, on_gradients_ready

    def on_start(self, solver: _Solver) -> None:
        self.start()

    def on_gradients(self, solver: _Solver) -> None:
        self.ready()


class _Base:
    """What all pycaffe solvers have. ``type`` is the solver type that a class insists on."""

    type: str | None = None

    def __init__(self, solver_file: str) -> None:
        fields: dict[str, Any] = {"type": self.type} if self.type else {}
        if settings.seed is not None and read_solver(solver_file, plugin_manager().schema()).message.random_seed < 0:
            fields["random_seed"] = settings.seed
        self.solver = _Solver(solver_file, allow_python_layers=settings.python_layers, fields=fields)
        self.net = Net.of(self.solver.net)
        self.test_nets = [Net.of(net) for net in self.solver.test_nets]

    @property
    def iter(self) -> int:
        """How many iterations are done."""
        return self.solver.iteration

    @property
    def lr(self) -> float:
        """The learning rate of the last update."""
        return self.solver.rate

    @property
    def param(self) -> Any:
        """The SolverParameter message."""
        return self.solver.param

    def step(self, iterations: int) -> None:
        self.solver.step(iterations)

    def solve(self, resume_file: str | None = None) -> None:
        self.solver.solve(resume=resume_file)

    def restore(self, state_file: str) -> None:
        self.solver.restore(state_file)

    def snapshot(self) -> None:
        self.solver.snapshot()

    def apply_update(self) -> None:
        """Apply the gradients as they are, with the rate of this iteration."""
        self.solver.apply_update()

    def share_weights(self, net: Net) -> None:
        """Let *net* look at this solver's weights."""
        net.share_with(self.net)

    def add_callback(self, on_start: Callable[[], None], on_gradients_ready: Callable[[], None]) -> None:
        self.solver.callbacks.append(_Hooks(on_start, on_gradients_ready))


class SGDSolver(_Base):
    type = "SGD"


class NesterovSolver(_Base):
    type = "Nesterov"


class AdaGradSolver(_Base):
    type = "AdaGrad"


class RMSPropSolver(_Base):
    type = "RMSProp"


class AdaDeltaSolver(_Base):
    type = "AdaDelta"


class AdamSolver(_Base):
    type = "Adam"


_CLASSES = {
    cls.type: cls for cls in (SGDSolver, NesterovSolver, AdaGradSolver, RMSPropSolver, AdaDeltaSolver, AdamSolver)
}


def get_solver(solver_file: str) -> _Base:
    """The solver of the type that the file names."""
    solver = _Base(solver_file)
    solver.__class__ = _CLASSES.get(solver.param.type, _Base)
    return solver
