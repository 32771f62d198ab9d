"""Ctrl-C ends a run within two seconds, however long an iteration takes, and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cortado import Solver
from cortado.errors import DataError
from cortado.solver.signals import handle_signals

NET = """
layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 1 } data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }
layer { name: "norm" type: "BatchNorm" bottom: "x" top: "n" }
layer { name: "ip" type: "InnerProduct" bottom: "n" top: "p"
  inner_product_param { num_output: 1 weight_filler { type: "gaussian" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }
"""
SOLVER = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 20 random_seed: 5 test_iter: 2 test_interval: 4\n'


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], Solver]:
    def build() -> Solver:
        (tmp_path / "net.prototxt").write_text(NET)
        (tmp_path / "s.prototxt").write_text(
            f'net: "{tmp_path}/net.prototxt" snapshot_prefix: "{tmp_path}/s"\n{SOLVER}'
        )
        return Solver(tmp_path / "s.prototxt", engine="reference")

    return build


def whole(solver: Solver) -> list[bytes]:
    return [p.blob.data.tobytes() for p in solver.net.learnable]


@pytest.mark.parametrize("where", ["forward", "backward", "test"])
def test_a_long_iteration_is_abandoned(make: Callable[[], Solver], where: str) -> None:
    peace = make()
    peace.step(20)
    solver = make()

    def dawdle(index: int) -> None:
        """The last layer takes a minute in iteration 8, in which somebody presses Ctrl-C."""
        if solver.iteration == 8 and index == 3:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)

    net = solver.test_nets[0] if where == "test" else solver.net
    (net.before_backward if where == "backward" else net.before_forward).append(dawdle)
    begin = time.monotonic()
    with handle_signals(solver):
        solver.solve()
    assert time.monotonic() - begin < 2
    assert (solver.iteration, solver.interrupted) == (8, True)
    again = make()
    assert again.restore_newest() is not None
    again.step(12)
    assert whole(again) == whole(peace)


def test_a_run_goes_on_in_the_same_process_after_it_was_abandoned(make: Callable[[], Solver]) -> None:
    peace, solver = make(), make()
    peace.step(20)
    once = [True]

    def dawdle(index: int) -> None:
        if solver.iteration == 8 and index == 3 and once.pop(0) if once else False:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)

    solver.net.before_forward.append(dawdle)
    with handle_signals(solver):
        solver.step(20)
    assert solver.iteration == 8
    solver.step(12)
    assert whole(solver) == whole(peace)


def test_a_short_iteration_is_finished(make: Callable[[], Solver]) -> None:
    solver = make()
    solver.net.before_forward.append(lambda _: os.kill(os.getpid(), signal.SIGTERM) if solver.iteration == 8 else None)
    with handle_signals(solver):
        solver.solve()
    assert solver.iteration == 9


def test_a_second_ctrl_c_ends_the_program(make: Callable[[], Solver]) -> None:
    solver = make()

    def twice(_: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    solver.net.before_forward.append(twice)
    with pytest.raises(KeyboardInterrupt), handle_signals(solver):
        solver.solve()


def test_handlers_are_put_back(make: Callable[[], Solver]) -> None:
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    with handle_signals(make()):
        pass
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)] == before


def test_the_command_line(make: Callable[[], Solver], tmp_path: Path) -> None:
    """Ctrl-C in a run of a million iterations: exit status 130, a snapshot, and --resume auto goes on from it."""
    make()
    command = [sys.executable, "-m", "cortado", "train", str(tmp_path / "s.prototxt"), "--engine", "reference"]
    process = subprocess.Popen([*command, "--iterations", "1000000"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "Iteration 8, Testing net" in line:
            break
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    rest = process.communicate()[1]
    assert process.returncode == 130
    assert time.monotonic() - begin < 2
    assert "Optimization stopped early" in rest
    (state,) = tmp_path.glob("s_iter_*.cortado")
    done = int(state.stem.rpartition("_")[2])
    again = [*command, "--resume", "auto", "--iterations", str(done + 3)]
    finished = subprocess.run(again, capture_output=True, text=True, check=True)
    assert f"Restored iteration {done} from {state}, to go on exactly" in finished.stderr
    assert f"{done + 3} iterations done" in finished.stderr


def test_a_thread_that_reads_and_dies_is_reported(tmp_path: Path) -> None:
    """Its own error, with the record; not a wait without end."""
    from cortado.data import array_to_datum
    from cortado.data.sources.lmdb import Lmdb

    np = pytest.importorskip("numpy")
    with Lmdb.create(tmp_path / "db") as writer:
        for index in range(9):
            good = array_to_datum(np.zeros((1, 2, 2), np.uint8), 0).SerializeToString()
            writer.put(b"%02d" % index, b"\xff\xff" if index == 5 else good)
    data = f'type: "Data" top: "d" data_param {{ source: "{tmp_path}/db" backend: LMDB batch_size: 2 }}'
    data = f'layer {{ name: "d" {data} }}'
    path = tmp_path / "solver.prototxt"
    path.write_text(f'net_param {{ {data} }} base_lr: 1 lr_policy: "fixed" max_iter: 9 snapshot_prefix: "{tmp_path}/s"')
    solver = Solver(path, engine="reference")
    begin = time.monotonic()
    with pytest.raises(DataError, match="record '05'") as caught:
        solver.solve()
    assert time.monotonic() - begin < 2
    assert (solver.iteration, "layer 'd' (Data)" in str(caught.value)) == (2, True)
