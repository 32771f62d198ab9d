"""Check a solver file: its own fields, and the nets it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..engines import get_engine
from ..errors import CortadoError, ParseError
from ..layers import Phase
from ..netdef.check import CheckReport, check_file, check_net
from ..plugins import PluginManager, plugin_manager
from ..plugins.dialects import read_net, read_solver
from .parts import asked_for, check_fields, choose_parts
from .plan import plan_solver


def check_net_or_solver(
    path: str | Path,
    *,
    phases: Sequence[Phase] = (Phase.TRAIN, Phase.TEST),
    level: int | None = None,
    stages: Sequence[str] = (),
    shapes: dict[str, tuple[int, ...]] | None = None,
    plugins: PluginManager | None = None,
) -> CheckReport:
    """Check the net or solver file at *path*; which of the two it is shows in the fields it uses."""
    plugins = plugins or plugin_manager()
    report = check_file(path, phases=phases, level=level, stages=stages, shapes=shapes, plugins=plugins)
    if report.ok or not _is_solver(path, plugins):
        return report
    return check_solver(path, shapes=shapes, plugins=plugins)


def check_solver(
    path: str | Path, *, shapes: dict[str, tuple[int, ...]] | None = None, plugins: PluginManager | None = None
) -> CheckReport:
    """Check a solver file: optimizer, policy, regularizer and their fields, then each net in its own state."""
    plugins = plugins or plugin_manager()
    report = CheckReport(str(path))
    try:
        document = read_solver(path, plugins)
        report.notes += document.notes
        param: Any = document.message
        check_fields(param, document.positions.at)
        choose_parts(param, plugins, get_engine("reference"), document.positions.at)
        asked_for(param, plugins, document.positions.at)
        plan = plan_solver(param, plugins, Path(path).parent)
    except CortadoError as error:
        report.add(error.located(str(path)))
        return report
    for net in (plan.train, *plan.tests):
        found = check_net(net.document, net.state, folder=net.folder, shapes=shapes, plugins=plugins)
        report.states.append(found)
        for problem in found.problems:
            report.add(problem)
    return report


def _is_solver(path: str | Path, plugins: PluginManager) -> bool:
    """Whether the fields at the top of the file are a solver's rather than a net's."""
    try:
        message: Any = read_solver(path, plugins).message
        return bool(message.ListFields())
    except ParseError as as_solver:
        if as_solver.instead:
            return False
        try:
            read_net(path, plugins)
        except ParseError as as_net:
            return bool(as_net.instead) or len(as_solver.problems) < len(as_net.problems)
        except CortadoError:
            return False
        return False
    except CortadoError:
        return False
