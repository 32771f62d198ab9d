"""debug-info: the net's debug lines in every iteration that is displayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ...plugins import hookimpl
from .base import Callback

if TYPE_CHECKING:
    from ..metrics import TrainMetrics
    from ..solver import Solver


class DebugInfo(Callback):
    """Passes the lines of ``net.debug_info`` on as messages, while an iteration runs that ``display`` names.

    A solver file with ``debug_info: true`` has it. As in Caffe, the last forward of ``solve`` tells what the last
    iteration told.
    """

    type: ClassVar[str] = "debug-info"

    def on_start(self, solver: Solver) -> None:
        self._switch(solver, solver.iteration)

    def on_iteration(self, solver: Solver, metrics: TrainMetrics) -> None:
        self._switch(solver, solver.iteration)

    def on_end(self, solver: Solver) -> None:
        self._switch(solver, solver.iteration - 1)

    def _switch(self, solver: Solver, iteration: int) -> None:
        display = solver.param.display
        if display and iteration % display == 0:
            solver.net.debug_info.start(lambda text: solver.message("debug", text))
        else:
            solver.net.debug_info.stop()


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [DebugInfo]
