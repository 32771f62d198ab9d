"""The order of things in a run: tests, displays, updates, snapshots, stops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado import Solver
from cortado.solver import Callback

TESTS = "test_iter: 2\ntest_interval: 3\n"


class Diary(Callback):
    """Writes down what happens, with the number of iterations done at the time."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int]] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_") or name == "on_message":
            return super().__getattribute__(name)
        return lambda solver, *_: self.rows.append((name.removeprefix("on_"), solver.iteration))

    def at(self, event: str) -> list[int]:
        return [iteration for name, iteration in self.rows if name == event]


@pytest.fixture
def diary() -> Diary:
    return Diary()


def test_one_iteration_in_order(make: Callable[..., Solver], diary: Diary) -> None:
    solver = make(TESTS + "display: 1\nsnapshot: 1\n", callbacks=[diary])
    solver.step(1)
    events = ["start", "test", "display", "gradients", "iteration", "snapshot", "end"]
    assert diary.rows == list(zip(events, [0, 0, 0, 0, 1, 1, 1], strict=True))


def test_tests_and_displays_fall_due_before_the_iteration(make: Callable[..., Solver], diary: Diary) -> None:
    make(TESTS + "display: 4\nsnapshot: 5\n", callbacks=[diary]).step(10)
    assert diary.at("test") == [0, 3, 6, 9]
    assert diary.at("display") == [0, 4, 8]
    assert diary.at("snapshot") == [5, 10]


def test_no_test_at_the_start_without_test_initialization(make: Callable[..., Solver], diary: Diary) -> None:
    make(TESTS + "test_initialization: false\n", callbacks=[diary]).step(4)
    assert diary.at("test") == [3]


def test_solve_tests_displays_and_snapshots_at_the_end(make: Callable[..., Solver], diary: Diary) -> None:
    solver = make(TESTS + "display: 3\nmax_iter: 6\n", base='base_lr: 0.1 lr_policy: "fixed"\n', callbacks=[diary])
    solver.solve()
    assert diary.at("test") == [0, 3, 6]
    assert diary.at("snapshot") == [6]
    assert solver.iteration == 6
    assert not solver.stopped


def test_solve_takes_no_second_snapshot_where_one_fell_due(make: Callable[..., Solver], diary: Diary) -> None:
    make("snapshot: 5\n", callbacks=[diary]).solve()
    assert diary.at("snapshot") == [5, 10]


def test_solve_without_snapshot_after_train(make: Callable[..., Solver], diary: Diary) -> None:
    make("snapshot_after_train: false\n", callbacks=[diary]).solve()
    assert diary.at("snapshot") == []


def test_train_yields_each_iteration_after_its_update(make: Callable[..., Solver]) -> None:
    solver = make()
    before = solver.net.params["ip"][0].data.copy()
    metrics = next(solver.train())
    assert (metrics.iteration, metrics.rate, solver.iteration) == (0, pytest.approx(0.1), 1)
    assert (solver.net.params["ip"][0].data != before).all()


def test_request_stop_ends_after_the_iteration(make: Callable[..., Solver], diary: Diary) -> None:
    class Stop(Callback):
        def on_gradients(self, solver: Solver) -> None:
            if solver.iteration == 4:
                solver.request_stop()

    solver = make(callbacks=[diary, Stop()])
    solver.solve()
    assert solver.stopped
    assert (solver.iteration, diary.at("snapshot"), diary.at("end")) == (5, [5], [5])


def test_request_stop_in_a_test_drops_the_test(make: Callable[..., Solver], diary: Diary) -> None:
    solver = make("test_iter: 5\ntest_interval: 3\n", callbacks=[diary])
    solver.test_nets[0].before_forward.append(lambda _: solver.request_stop() if solver.iteration == 3 else None)
    solver.step(10)
    assert (solver.iteration, diary.at("test")) == (3, [0])


def test_request_snapshot_takes_one_and_goes_on(make: Callable[..., Solver], diary: Diary) -> None:
    solver = make(callbacks=[diary])
    for metrics in solver.train():
        if metrics.iteration == 2:
            solver.request_snapshot()
    assert (diary.at("snapshot"), solver.iteration) == ([3], 10)


def test_an_exception_of_a_callback_ends_the_run_and_on_end_is_called(
    make: Callable[..., Solver], diary: Diary
) -> None:
    class Bad(Callback):
        def on_iteration(self, solver: Solver, metrics: object) -> None:
            raise RuntimeError("callback")

    with pytest.raises(RuntimeError, match="callback"):
        make(callbacks=[Bad(), diary]).step(5)
    assert diary.at("end") == [1]


def test_average_loss_is_the_mean_of_the_last_ones(make: Callable[..., Solver]) -> None:
    rows = list(make("average_loss: 3\n").train())
    for index, row in enumerate(rows):
        last = [r.loss for r in rows[max(0, index - 2) : index + 1]]
        assert row.smoothed == pytest.approx(np.mean(last), rel=1e-5)


def test_iter_size_averages_gradients_and_losses(make: Callable[..., Solver]) -> None:
    """With no data drawn anew, three passes are one."""
    still = """
    layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param {
      shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 } data_filler { value: 1 } data_filler { value: 2 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p"
      inner_product_param { num_output: 1 weight_filler { type: "gaussian" std: 1 } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }"""
    one, three = make(net=still), make("iter_size: 3\n", net=still)
    losses = [[row.loss for row in solver.train(4)] for solver in (one, three)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    np.testing.assert_allclose(one.net.params["ip"][0].data, three.net.params["ip"][0].data, rtol=1e-5)


def test_clip_gradients_scales_to_the_limit(make: Callable[..., Solver]) -> None:
    lines: list[str] = []

    class Listen(Callback):
        def on_message(self, solver: Solver, source: str, text: str) -> None:
            lines.append(text)

    solver = make("clip_gradients: 0.01\n", callbacks=[Listen()])
    before = [p.blob.data.copy() for p in solver.net.learnable]
    solver.step(1)
    moved = [b - p.blob.data for b, p in zip(before, solver.net.learnable, strict=True)]
    norm = np.sqrt(sum(float((m**2).sum()) for m in moved)) / 0.1
    assert norm == pytest.approx(0.01, rel=1e-3)
    assert any(line.startswith("Gradient clipping: scaling down gradients") for line in lines)


def test_test_results_are_means_over_batches(make: Callable[..., Solver]) -> None:
    solver = make("test_iter: 4\ntest_interval: 100\n")
    losses: list[float] = []
    forward = solver.test_nets[0].forward
    solver.test_nets[0].forward = lambda *a: losses.append(forward(*a)) or losses[-1]  # type: ignore[method-assign]
    (result,) = solver.test()
    assert result.batches == 4
    assert result.loss == pytest.approx(np.mean(losses))
    assert result["loss"] == pytest.approx(np.mean(losses))
    with pytest.raises(KeyError):
        result["accuracy"]


def test_test_nets_see_the_trained_weights(make: Callable[..., Solver]) -> None:
    solver = make(TESTS)
    solver.step(2)
    mine, theirs = solver.net.params["ip"][0], solver.test_nets[0].params["ip"][0]
    assert np.shares_memory(mine.data, theirs.data)


def test_equal_seeds_give_equal_runs_and_other_seeds_others(make: Callable[..., Solver]) -> None:
    runs = [[row.loss for row in make(seed=seed).train()] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_a_seed_is_drawn_and_told_where_none_is_given(make: Callable[..., Solver]) -> None:
    base = 'base_lr: 0.1\nlr_policy: "fixed"\nmax_iter: 10\n'
    first = make(base=base)
    again = make(base=base, seed=first.seed)
    assert [row.loss for row in first.train()] == [row.loss for row in again.train()]


@pytest.mark.parametrize(
    ("prefix", "format_", "names"),
    [
        ("s", "", ["s_iter_2.caffemodel", "s_iter_2.solverstate"]),
        ("s", "snapshot_format: HDF5\n", ["s_iter_2.caffemodel.h5", "s_iter_2.solverstate.h5"]),
        ("new/folder/s", "", ["new/folder/s_iter_2.caffemodel", "new/folder/s_iter_2.solverstate"]),
        ("", "", ["solver_iter_2.caffemodel", "solver_iter_2.solverstate"]),
    ],
)
def test_snapshot_names(
    make: Callable[..., Solver], tmp_path: Path, prefix: str, format_: str, names: list[str]
) -> None:
    solver = make(format_, fields={"snapshot_prefix": str(tmp_path / prefix) if prefix else ""})
    solver.step(2)
    state = solver.snapshot()
    assert state == tmp_path / names[1]
    assert all((tmp_path / name).is_file() for name in names)


def test_a_prefix_that_is_a_folder_takes_the_name_of_the_solver_file(
    make: Callable[..., Solver], tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    solver = make(fields={"snapshot_prefix": str(tmp_path / "there")})
    assert solver.snapshot() == tmp_path / "there" / "solver_iter_0.solverstate"


def test_weights_are_loaded_before_training(make: Callable[..., Solver], tmp_path: Path) -> None:
    first = make()
    first.step(3)
    first.net.save(tmp_path / "w.caffemodel")
    second = make(weights=f"{tmp_path}/w.caffemodel", seed=9)
    np.testing.assert_array_equal(first.net.params["ip"][0].data, second.net.params["ip"][0].data)
    assert second.load_reports[0].names("loaded") == ["ip"]
