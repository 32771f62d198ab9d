"""Check: find without data, and without memory for blobs, what would fail when a net is built or a solver is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engines import get_engine
from ..errors import CortadoError
from ..layers import LayerContext, Phase
from ..plugins import PluginManager, plugin_manager
from ..plugins.dialects import read_net
from ..proto import Document
from .build import Built, build_static
from .graph import wire
from .passes import run_passes
from .sharing import learnable_parameters
from .splits import insert_splits
from .state import NetState, select


@dataclass
class StateReport:
    """What a check found for one state of a net: its problems, the layers whose shapes only the data could tell, the
    count of layers and of learnable parameters, and the names of its ``blobs``."""

    state: NetState
    problems: list[CortadoError] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    layers: int = 0
    parameters: int = 0
    note: str = ""
    blobs: frozenset[str] = frozenset()


@dataclass
class Problem:
    """An error with the file it was found in; ``str()`` is the message."""

    file: str
    error: CortadoError

    def __str__(self) -> str:
        text = str(self.error)
        return text if self.error.where else f"{self.file}: {text}"


@dataclass
class CheckReport:
    """What a check of a file found."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    states: list[StateReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def add(self, error: CortadoError) -> None:
        """Take *error* in, once."""
        for one in getattr(error, "problems", ()) or (error,):
            problem = Problem(self.file, one)
            if str(problem) not in {str(p) for p in self.problems}:
                self.problems.append(problem)


def check_file(
    path: str | Path,
    *,
    phases: Sequence[Phase] = (Phase.TRAIN, Phase.TEST),
    level: int | None = None,
    stages: Sequence[str] = (),
    shapes: dict[str, tuple[int, ...]] | None = None,
    plugins: PluginManager | None = None,
) -> CheckReport:
    """Check the net definition in *path* in each of *phases*; see ``check_net``. Never raises a CortadoError."""
    plugins = plugins or plugin_manager()
    report = CheckReport(str(path))
    try:
        document = read_net(path, plugins)
    except CortadoError as error:
        report.add(error)
        return report
    report.notes += document.notes
    for phase in phases:
        state = NetState.of(document, phase, level, stages)
        found = check_net(document, state, folder=Path(path).parent, shapes=shapes, plugins=plugins)
        report.states.append(found)
    meant = [s for s in report.states if not s.note] or report.states
    for one in meant:
        for problem in one.problems:
            report.add(problem)
    return report


def check_net(
    document: Document[Any],
    state: NetState,
    *,
    folder: Path | None = None,
    shapes: dict[str, tuple[int, ...]] | None = None,
    plugins: PluginManager | None = None,
) -> StateReport:
    """Wire the net, set its layers up and work out all shapes; collects every problem that can be told apart.

    *shapes* gives the shapes of blobs that only data could tell. A phase that has no layer to bring data in is noted,
    since the file is hardly meant for it.
    """
    plugins = plugins or plugin_manager()
    report = StateReport(state)
    try:
        kept = run_passes(select(document, state), state, plugins)
        if kept and all(spec.config.bottom for spec in kept):
            report.note = f"no layer brings data in for phase {state.phase.name}"
        specs = insert_splits(kept)
        graph = wire(specs, plugins, report.problems.append)
    except CortadoError as error:
        report.problems.append(error)
        return report
    report.blobs = frozenset(graph.blob_names)
    context = LayerContext(state.phase, get_engine("reference"), plugins, folder=folder or Path())
    built = build_static(graph, context, report.problems.append, shapes or {})
    report.unchecked, report.layers = built.unchecked, len(built.layers)
    report.parameters = _count_parameters(built, report)
    return report


def _count_parameters(built: Built, report: StateReport) -> int:
    try:
        parameters, _ = learnable_parameters(built)
    except CortadoError as error:
        report.problems.append(error)
        return 0
    return sum(p.blob.count for p in parameters)
