"""Run state: what a run that goes on exactly needs besides weights and history, in a file beside Caffe's.

``<prefix>_iter_<N>.cortado`` has the sizes and hashes of the two files of Caffe, the facts of the run, and the state of
data, random streams, averaged losses, learning-rate policy, optimizer and callbacks.
"""

from __future__ import annotations

import hashlib
import operator
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CortadoError, FormatError
from .facts import differences, facts_of
from .metrics import SmoothedLoss, TestResult
from .run_file import read_run_file, write_run_file

if TYPE_CHECKING:
    from .solver import Solver

SUFFIX = ".cortado"
VERSION = 1
STATES = (".solverstate.h5", ".solverstate")
OTHERWISE = "resume from another snapshot, or remove this file to go on from the .solverstate alone"


def snapshot_base(solver: Solver) -> Path:
    """What the names of all snapshots begin with: ``snapshot_prefix``; where that is unset, the solver file without its
    extension; where it is a folder, the solver file's stem in that folder."""
    prefix = Path(solver.param.snapshot_prefix)
    stem = Path(solver.source).stem if solver.source else "cortado"
    if not solver.param.snapshot_prefix:
        return Path(solver.source).with_suffix("") if solver.source else Path(stem)
    return prefix / stem if os.path.isdir(prefix) else prefix


def run_path(state: str | Path) -> Path:
    """The run file that belongs to the solver state *state*."""
    path = Path(state)
    for suffix in STATES:
        if path.name.endswith(suffix):
            return path.with_name(path.name.removesuffix(suffix) + SUFFIX)
    return path.with_name(path.name + SUFFIX)


class CutShort(FormatError):  # noqa: N818 - says what happened
    """A snapshot the writing of which was cut short: a file that its run file names never came to be."""


def write_run_state(solver: Solver, weights: Path, state: Path, written: Path, ranks: Sequence[Any] = ()) -> Path:
    """Write the run file of a snapshot with the file *weights*, and a *state* that still has the name *written*;
    *ranks* has the nets' states of each of several processes."""
    path = run_path(state)
    content = {
        "version": VERSION,
        "run": solver.run_id,
        "written": time.time(),
        "iteration": solver.iteration,
        "files": {"weights": _described(weights), "state": _described(written, state.name)},
        "facts": facts_of(solver),
        **solver.run.attempt.state(),
        **({"ranks": list(ranks)} if ranks else {}),
    }
    write_run_file(path, content)
    return path


def run_state_of(solver: Solver) -> dict[str, Any]:
    """All of a solver's state that is not in its weights and history."""
    smoothed = solver.run.smoothed
    return {
        "solver": {
            "smoothed": {"losses": list(smoothed.losses), "value": smoothed.value, "start": solver.run.start},
            "rate": solver.rate,
            "rate_factor": solver.rate_factor,
            "tested": solver.run.tested,
            "results": [vars(result) for result in solver.results],
            "policy": {"current_step": solver.policy.current_step, "own": solver.policy.run_state()},
            "optimizer": solver.optimizer.run_state(),
        },
        "nets": [net.run_state() for net in (solver.net, *solver.test_nets)],
        "callbacks": [{"type": callback.type, "state": callback.run_state()} for callback in solver.callbacks],
    }


def read_run_state(path: Path) -> dict[str, Any]:
    """The content of the run file *path*, after a check that the snapshot's other files are whole.

    Errors: FileError, FormatError.
    """
    content = read_run_file(path)
    if not isinstance(content.get("version"), int) or content["version"] != VERSION:
        rule, got = f"run files have version {VERSION}", str(content.get("version"))
        raise FormatError(rule, where=str(path), got=got, hint=OTHERWISE)
    check_whole(path, content)
    return content


def check_whole(path: Path, content: dict[str, Any]) -> None:
    """See that the files that the run file *path* vouches for are there as they were written. Errors: FormatError."""
    try:
        for kind in ("weights", "state"):
            _check_whole(path, content["files"][kind])
    except (LookupError, TypeError, ValueError, AttributeError, OSError) as error:
        rule = "the list of files in a run file must be whole, and the files readable"
        raise FormatError(rule, where=str(path), got=repr(error), hint=OTHERWISE) from None


def snapshots_of(solver: Solver) -> list[tuple[int, Path]]:
    """Iteration and run file of the snapshots of this run (by its ``run_id``), in the order of their iterations."""
    base = snapshot_base(solver)
    found = []
    for path in base.parent.glob("*" + SUFFIX):
        head, _, number = path.name.removesuffix(SUFFIX).rpartition("_iter_")
        if head == base.name and number.isdigit():
            with suppress(CortadoError):
                if read_run_file(path).get("run") == solver.run_id:
                    found.append((int(number), path))
    return sorted(found)


def restore_run_state(solver: Solver, content: dict[str, Any], path: Path) -> list[str]:
    """Set *solver* to what a run file holds; returns, in words, what may make the run differ from that one."""
    then, now = content["facts"], facts_of(solver)
    seeds = {"seed": content["facts"]["seed"]}
    notes = differences(then, {**now, **seeds})
    apply_state(solver, content, notes)
    solver.seed = then["seed"]
    solver.run_id = content["run"]
    return notes


def apply_state(solver: Solver, content: dict[str, Any], notes: list[str]) -> None:
    """Set *solver* to the part of a run file that ``run_state_of`` wrote; *notes* gets what does not fit."""
    own, seed = content["solver"], content.get("facts", {}).get("seed", solver.seed)
    for net in (solver.net, *solver.test_nets):
        net.reseed(seed)
    smoothed, window = own["smoothed"], solver.run.smoothed.window
    losses = [_real(loss) for loss in smoothed["losses"]]
    if len(losses) <= window:
        average = SmoothedLoss(window, losses, _real(smoothed["value"]))
        solver.run.carry_on(average, operator.index(smoothed["start"]))
    solver.rate, solver.rate_factor = _real(own["rate"]), _real(own["rate_factor"])
    solver.run.tested = own["tested"]
    rows = [{**row, "outputs": tuple(tuple(output) for output in row["outputs"])} for row in own["results"]]
    solver.results = [TestResult(**row) for row in rows]
    solver.policy.current_step = own["policy"]["current_step"]
    solver.policy.restore_run_state(own["policy"]["own"])
    solver.optimizer.restore_run_state(own["optimizer"])
    nets = [solver.net, *solver.test_nets]
    for net, states in zip(nets, solver.parallel.state_of(content, notes), strict=False):
        notes += [f"layer '{name}' of '{net.name}' is not in both runs" for name in net.restore_run_state(states)]
    _restore_callbacks(solver, content["callbacks"], notes)


def _real(value: Any) -> float:
    """*value*, which must be a number."""
    if not isinstance(value, (int, float)):
        raise TypeError(f"a number is expected; got {type(value).__name__}")
    return float(value)


def _restore_callbacks(solver: Solver, saved: list[dict[str, Any]], notes: list[str]) -> None:
    left = list(saved)
    for callback in solver.callbacks:
        match = next((row for row in left if row["type"] == callback.type), None)
        if match is not None:
            left.remove(match)
            callback.restore_run_state(match["state"])
    notes += [f"callback '{row['type']}' had a state, and is not there" for row in left if row["state"]]


def _described(path: Path, name: str = "") -> dict[str, Any]:
    return {"name": name or path.name, "bytes": path.stat().st_size, "sha256": file_hash(path)}


def file_hash(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_whole(path: Path, described: dict[str, Any]) -> None:
    file = path.parent / Path(described["name"]).name
    hint = f"resume from another snapshot, or remove {path.name} to go on from the .solverstate alone, as Caffe does"
    if not os.path.isfile(file):
        raise CutShort(f"this snapshot has no file {file.name} beside it", where=str(path), hint=hint)
    if file.stat().st_size != described["bytes"] or file_hash(file) != described["sha256"]:
        got = f"{file.stat().st_size} bytes or other contents"
        rule = f"{file.name} must be the file of {described['bytes']} bytes that was written with this snapshot"
        raise FormatError(rule, where=str(path), got=got, hint=hint)
