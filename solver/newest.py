"""Newest: the snapshot from which a run that was cut short goes on."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CortadoError, FormatError
from .run_file import read_run_file
from .run_state import STATES, SUFFIX, CutShort, check_whole, run_path, snapshot_base
from .snapshot import check_state

if TYPE_CHECKING:
    from .solver import Solver


def restore_newest(solver: Solver) -> Path | None:
    """Restore *solver* from the newest whole snapshot under its ``snapshot_prefix``; None when there is none at all.

    Newest is the one written last that has a run file; where none has, the solver state of the highest iteration.
    Snapshots that are not whole are passed over, and told; one that was cut short while it was written counts as none.
    What a killed run left half written is removed.

    Errors: FormatError when there are snapshots that are damaged, and none is whole; those of ``Solver.restore``.
    """
    base = snapshot_base(solver)
    if solver.parallel.root:
        remove_leftovers(base)
    problems: list[CortadoError] = []
    for path in (*_exact(base, problems), *_bare(base)):
        try:
            _check(solver, path)
        except CortadoError as error:
            problems.append(error.located(str(path)))
            continue
        for problem in problems:
            solver.message("restore", f"Passed over: {problem}")
        solver.restore(path)
        return path
    if all(isinstance(problem, CutShort) for problem in problems):
        return None
    hint = "start without --resume, or name a .solverstate"
    raise FormatError(f"no snapshot of {base} is whole", got="; ".join(p.rule for p in problems), hint=hint)


def remove_leftovers(base: Path) -> None:
    """Remove the temporary files of snapshots that were being written when a run was killed."""
    for path in _matching(base, r"\..*\.tmp", before=r"\."):
        with suppress(OSError):
            path.unlink()


def _exact(base: Path, problems: list[CortadoError]) -> list[Path]:
    """The run files under *base*, the one written last first."""
    rows: list[tuple[float, Path]] = []
    for path in _matching(base, re.escape(SUFFIX)):
        try:
            rows.append((float(read_run_file(path).get("written", 0)), path))
        except CortadoError as error:
            problems.append(error)
        except (TypeError, ValueError, OverflowError):
            problems.append(FormatError("this run file does not say when it was written", where=str(path)))
    return [path for _, path in sorted(rows, reverse=True)]


def _bare(base: Path) -> list[Path]:
    """Solver states without a run file, the highest iteration first."""
    found = [path for suffix in STATES for path in _matching(base, re.escape(suffix)) if not run_path(path).exists()]
    return sorted(found, key=lambda path: int(path.name.rpartition("_iter_")[2].partition(".")[0]), reverse=True)


def _check(solver: Solver, path: Path) -> None:
    if path.name.endswith(SUFFIX):
        content: dict[str, Any] = read_run_file(path)
        check_whole(path, content)
    else:
        check_state(solver, path)


def _matching(base: Path, ending: str, before: str = "") -> list[Path]:
    pattern = re.compile(rf"{before}{re.escape(base.name)}_iter_\d+{ending}")
    with suppress(OSError):
        return [path for path in base.parent.iterdir() if pattern.fullmatch(path.name)]
    return []
