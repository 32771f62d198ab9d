"""Going on from Caffe's own solver states, and writing what Caffe would read."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import cortado

FOLDER = "snapshots"
CASES = json.loads((Path(__file__).parent / FOLDER / "index.json").read_text())


@pytest.mark.parametrize("name", list(CASES))
def test_resume(name: str, inside: Path, reference: SimpleNamespace) -> None:
    with reference.load(inside / f"{name}.npz") as data:
        solver = cortado.Solver(f"{name}.solver.prototxt")
        solver.restore(CASES[name]["solverstate"])
        assert solver.iteration == 7
        reference.check_params(solver.net, data, "at7.")
        for at in (8, 10, 15):
            solver.step(at - solver.iteration)
            reference.check_params(solver.net, data, f"resumed{at}.", rtol=5e-4, atol=5e-5)


@pytest.mark.parametrize("name", list(CASES))
def test_snapshot_round_trip(name: str, inside: Path, tmp_path: Path) -> None:
    """A state read from Caffe, written, and read again is the same state; the runs that go on from both are equal."""
    solver = cortado.Solver(f"{name}.solver.prototxt", fields={"snapshot_prefix": str(tmp_path / "again")})
    solver.restore(CASES[name]["solverstate"])
    state = solver.snapshot()
    other = cortado.Solver(f"{name}.solver.prototxt")
    other.restore(state)
    assert (other.iteration, other.policy.current_step) == (solver.iteration, solver.policy.current_step)
    for mine, theirs in zip(solver.history, other.history, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert (a == b).all()
    fresh = cortado.Solver(f"{name}.solver.prototxt")
    fresh.restore(CASES[name]["solverstate"])
    for one in (other, fresh):
        one.step(3)
    for a, b in zip(other.net.learnable, fresh.net.learnable, strict=True):
        assert (a.blob.data == b.blob.data).all()
