"""What is left when writing is cut short, which snapshots are kept, and which one a run goes on from."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado import Solver
from cortado.errors import FileError, FormatError, NumericsError, PluginError
from cortado.solver import Callback
from cortado.solver.callbacks.retention import Retention
from cortado.solver.run_file import read_run_file, write_run_file

TESTS = "test_iter: 1\ntest_interval: 1\n"


class Listen(Callback):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_message(self, solver: Solver, source: str, text: str) -> None:
        self.lines.append(text)


def iterations(folder: Path) -> list[int]:
    return sorted(int(path.stem.rpartition("_")[2]) for path in folder.glob("s_iter_*.cortado"))


# -- run files ---------------------------------------------------------------------------------------------------


def test_run_file_round_trip(tmp_path: Path) -> None:
    tree = {"a": [1, 2.5, None, True, "x"], "b": {"c": np.arange(6.0).reshape(2, 3)}, "d": np.array(3, np.uint64)}
    write_run_file(tmp_path / "f", tree)
    back = read_run_file(tmp_path / "f")
    assert back["a"] == tree["a"]
    np.testing.assert_array_equal(back["b"]["c"], tree["b"]["c"])
    assert (back["d"], back["d"].dtype) == (3, np.uint64)


def test_arrays_can_be_read_by_numpy_alone(tmp_path: Path) -> None:
    write_run_file(tmp_path / "f", {"x": np.arange(3)})
    with np.load(tmp_path / "f") as file:
        assert file["0"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array([None]), b"bytes"])
def test_run_files_hold_plain_values_only(tmp_path: Path, value: Any) -> None:
    with pytest.raises(PluginError, match=r"got .* at a\.b\[0\]"):
        write_run_file(tmp_path / "f", {"a": {"b": [value]}})
    assert list(tmp_path.iterdir()) == []


# -- writing that fails ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(1, 7))
def test_a_full_disk_leaves_the_last_snapshot_whole(
    make: Callable[..., Solver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Every write of a snapshot fails in turn: flushing of a file, and renaming it."""
    solver = make()
    solver.step(2)
    solver.snapshot()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    solver.step(1)
    calls = 0

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls >= at:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(os.fsync))
        patch.setattr(os, "replace", failing(os.replace))
        with pytest.raises(FileError, match="No space left on device"):
            solver.snapshot()
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name: left.get(name) for name in before} == before
    assert not [name for name in left if name.endswith(".tmp")]
    again = make()
    assert again.restore_newest() == tmp_path / "s_iter_2.cortado"


def test_a_folder_that_cannot_be_written_is_named(make: Callable[..., Solver], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    solver = make(fields={"snapshot_prefix": str(tmp_path / "file" / "s")})
    rule = f"^{tmp_path}/file: cannot make this folder for snapshots: a file is in its place$"
    with pytest.raises(FileError, match=rule):
        solver.snapshot()
    with pytest.raises(FileError, match=rule):
        solver.solve()
    assert solver.iteration == 0  # no time was spent on what could not be kept
    solver.param.snapshot_after_train = False
    solver.solve()
    assert solver.iteration == 10


# -- the newest --------------------------------------------------------------------------------------------------


def test_nothing_to_go_on_from(make: Callable[..., Solver]) -> None:
    assert make().restore_newest() is None


def test_the_newest_is_taken_and_leftovers_are_removed(make: Callable[..., Solver], tmp_path: Path) -> None:
    make("snapshot: 2\n").step(6)
    leftover = tmp_path / ".s_iter_8.caffemodel.0123abcd.tmp"
    leftover.write_bytes(b"half")
    again = make()
    assert again.restore_newest() == tmp_path / "s_iter_6.cortado"
    assert again.iteration == 6
    assert not leftover.exists()


@pytest.mark.parametrize("victim", ["caffemodel", "solverstate", "cortado"])
def test_what_is_not_whole_is_passed_over(make: Callable[..., Solver], tmp_path: Path, victim: str) -> None:
    make("snapshot: 2\n").step(6)
    (tmp_path / f"s_iter_6.{victim}").write_bytes(b"half")
    again = make(callbacks=[listen := Listen()])
    assert again.restore_newest() == tmp_path / "s_iter_4.cortado"
    assert any(line.startswith("Passed over: ") and "s_iter_6" in line for line in listen.lines)


def test_a_solver_state_serves_where_there_is_no_run_file(make: Callable[..., Solver], tmp_path: Path) -> None:
    make("snapshot: 2\n").step(6)
    for path in tmp_path.glob("*.cortado"):
        path.unlink()
    (tmp_path / "s_iter_6.caffemodel").write_bytes(b"half")
    assert make().restore_newest() == tmp_path / "s_iter_4.solverstate"


def test_a_first_snapshot_that_was_cut_short_counts_as_none(make: Callable[..., Solver], tmp_path: Path) -> None:
    make("snapshot: 2\n").step(2)
    (tmp_path / "s_iter_2.solverstate").unlink()
    assert make().restore_newest() is None


def test_no_state_is_ever_on_disk_without_its_run_file(
    make: Callable[..., Solver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a run that is killed just then would go on from it as Caffe does, and not exactly."""
    seen: list[set[str]] = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *a: (replace(*a), seen.append({p.suffix for p in tmp_path.iterdir()})))
    make().snapshot()
    assert len(seen) >= 3
    assert all(".cortado" in suffixes for suffixes in seen if ".solverstate" in suffixes)


def test_all_damaged_is_an_error(make: Callable[..., Solver], tmp_path: Path) -> None:
    make("snapshot: 2\n").step(4)
    for path in tmp_path.glob("*.caffemodel"):
        path.write_bytes(b"half")
    with pytest.raises(FormatError, match=r"no snapshot of .*s is whole"):
        make().restore_newest()


# -- retention ---------------------------------------------------------------------------------------------------


def test_keep_last(make: Callable[..., Solver], tmp_path: Path) -> None:
    make("snapshot: 1\n", callbacks=[Retention(last=3)]).step(9)
    assert iterations(tmp_path) == [7, 8, 9]
    assert len(list(tmp_path.glob("s_iter_*"))) == 9


def test_keep_best_takes_and_keeps_the_tested_weights(make: Callable[..., Solver], tmp_path: Path) -> None:
    class Scores(Callback):
        """Replaces the test's score before the others hear of it."""

        def on_test(self, solver: Solver, result: Any) -> None:
            value = {0: 9.0, 1: 8.0, 2: 3.0, 3: 5.0, 4: 4.0, 5: 3.5, 6: 7.0, 7: 6.0}[result.iteration]
            object.__setattr__(result, "outputs", (("loss", value, 1.0),))

    solver = make(TESTS + "snapshot: 3\n", callbacks=[Scores(), Retention(last=1, best="loss")])
    solver.step(8)
    assert iterations(tmp_path) == [2, 6]
    best = make(TESTS)
    best.restore(tmp_path / "s_iter_2.solverstate")
    assert best.iteration == 2


def test_snapshots_of_another_run_are_left_alone(make: Callable[..., Solver], tmp_path: Path) -> None:
    make("snapshot: 4\n").step(8)
    make("snapshot: 1\n", callbacks=[Retention(last=1)]).step(2)
    assert iterations(tmp_path) == [2, 4, 8]


def test_a_resumed_run_goes_on_thinning_out(make: Callable[..., Solver], tmp_path: Path) -> None:
    make("snapshot: 1\n", callbacks=[Retention(last=2)]).step(3)
    again = make("snapshot: 1\n", callbacks=[Retention(last=2)])
    again.restore_newest()
    again.step(3)
    assert iterations(tmp_path) == [5, 6]


def test_nothing_is_deleted_for_a_snapshot_that_is_not_whole(
    make: Callable[..., Solver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Spoil(Callback):
        def on_snapshot(self, solver: Solver, weights: Path, state: Path) -> None:
            if solver.iteration == 3:
                weights.write_bytes(b"half")

    with pytest.raises(FormatError, match=r"s_iter_3\.caffemodel"):
        make("snapshot: 1\n", callbacks=[Spoil(), Retention(last=1)]).step(5)
    assert (tmp_path / "s_iter_2.caffemodel").exists()
    assert make().restore_newest() == tmp_path / "s_iter_2.cortado"


def test_weights_that_are_not_finite_are_not_written(make: Callable[..., Solver], tmp_path: Path) -> None:
    solver = make()
    solver.step(1)
    solver.net.params["ip"][0].data[0, 0] = np.nan
    with pytest.raises(NumericsError, match=r"parameter 'ip\[0\]'"):
        solver.snapshot()
    assert iterations(tmp_path) == []
