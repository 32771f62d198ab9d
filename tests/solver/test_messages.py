"""What is said of solvers and their files, where no other test asks for it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cortado import Solver
from cortado.errors import FileError, FormatError, SolverError
from cortado.solver.metrics import metric_of
from cortado.solver.newest import _exact
from cortado.solver.parallel.base import Communicator
from cortado.solver.run_file import write_run_file
from cortado.solver.snapshot import _find_weights

Make = Callable[..., Solver]


def test_adamw_needs_its_decay(make: Make) -> None:
    with pytest.raises(SolverError, match=r"AdamW needs weight_decay; got none \(set it, 0.01 is usual"):
        make('type: "AdamW"')


def test_a_metric_that_no_test_net_has(make: Make) -> None:
    solver = make("test_iter: 1 test_interval: 1")
    (result,) = solver.test()
    with pytest.raises(SolverError, match=r"test net #0 has no output 'acuracy' \(there are loss\)"):
        metric_of(result, "acuracy")
    with pytest.raises(SolverError, match=r"test net #0 has no output 'los' \(did you mean 'loss'\?\)"):
        metric_of(result, "los")


def test_a_communicator_without_exchange() -> None:
    class Plain(Communicator):
        type = "plain"

    Plain.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    with pytest.raises(SolverError, match="communicator 'plain': cannot send gradients in half precision"):
        Plain.start_alltoall(object.__new__(Plain), None, None)  # type: ignore[arg-type]


def test_the_weights_of_a_state(tmp_path: Path) -> None:
    state = tmp_path / "s.solverstate"
    with pytest.raises(FormatError, match=f"{state}: a solver state names the weights it belongs to; got no name"):
        _find_weights("", state, None)
    with pytest.raises(FileError, match=f"{state}: the weights of a solver state must be where it says, or beside it"):
        _find_weights("/nowhere/w.caffemodel", state, None)


def test_run_files(make: Make, tmp_path: Path) -> None:
    write_run_file(tmp_path / "s_iter_3.cortado", {"written": "yesterday"})
    problems: list[Any] = []
    assert _exact(tmp_path / "s", problems) == []
    assert [str(p) for p in problems] == [
        f"{tmp_path}/s_iter_3.cortado: this run file does not say when it was written"
    ]
    solver = make()
    solver.step(1)
    state = solver.snapshot()
    run = state.with_suffix(".cortado")
    with zipfile.ZipFile(run, "w") as archive:
        archive.writestr("run.json", "[]")
    with pytest.raises(FormatError, match=f"{run}: a run file holds a table; got list"):
        make().restore(state)
    write_run_file(run, {"version": 10**6})
    with pytest.raises(
        FormatError,
        match=rf"{run}: .* or remove this file to go on from the .solverstate alone\)",
    ):
        make().restore(state)
