"""``cortado train``, ``test`` and ``time``: Caffe's spelling, and what signals do to a run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Run = Callable[..., Any]
Start = Callable[..., "subprocess.Popen[str]"]

FOREVER = ["train", "forever.prototxt", "--engine", "reference"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-solver", "solver.prototxt"],
        ["-solver=solver.prototxt"],
        ["--solver", "solver.prototxt"],
        ["--solver=solver.prototxt"],
        ["solver.prototxt"],
        ["--solver=solver.prototxt", "-sigint_effect", "stop", "-sighup_effect=snapshot"],
        ["-solver", "solver.prototxt", "-gpu", "0", "--sigint_effect=none"],
        ["-solver", "solver.prototxt", "-level", "1", "-stage", "a,b", "-iterations", "10"],
    ],
    ids=" ".join,
)
def test_every_spelling_trains(run: Run, folder: Path, arguments: list[str]) -> None:
    done = run("train", *arguments)
    assert done.status == 0, done.err
    assert folder.joinpath("small_iter_10.caffemodel").exists()
    assert "Iteration 5" in done.err
    assert ("there is no GPU engine" in done.err) == ("-gpu" in arguments)


@pytest.mark.parametrize("arguments", [[], ["--keep-gradients"], ["--callback", "mine"]], ids=str)
def test_gradients_share_memory(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], folder: Path) -> None:
    from cortado import Net
    from cortado.plugins import plugin_manager
    from cortado.solver import Callback, Solver

    shared: list[Net] = []
    kept: list[bool] = []

    def share(net: Net) -> None:
        shared.append(net)

    def solve(solver: Solver) -> None:
        kept.append(solver.keeps_updates)
        solver.iteration = solver.param.max_iter

    monkeypatch.setattr(Net, "share_gradients", share)
    monkeypatch.setattr(Solver, "solve", solve)
    found = plugin_manager().get

    def get(kind: str, name: str, **more: Any) -> Any:
        return SimpleNamespace(item=type("Mine", (Callback,), {})) if name == "mine" else found(kind, name, **more)

    monkeypatch.setattr(plugin_manager(), "get", get)
    assert run("train", "solver.prototxt", *arguments).status == 0
    assert len(shared) == (not arguments)
    assert kept == [bool(arguments)]


def test_kept_gradients_change_no_number(run: Run, folder: Path) -> None:
    found = []
    for more in ([], ["--keep-gradients"]):
        assert run("train", "solver.prototxt", *more).status == 0
        found.append(folder.joinpath("small_iter_10.caffemodel").read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("prefix", ["tuned", '"tuned"', "'tuned'", 'a"b', "a\\b"])
def test_set_takes_text_with_and_without_quotes(run: Run, folder: Path, prefix: str) -> None:
    assert run("train", "solver.prototxt", "--set", f"snapshot_prefix={prefix}").status == 0
    name = prefix.strip("'\"") if "tuned" in prefix else prefix
    assert folder.joinpath(f"{name}_iter_10.caffemodel").exists()


def test_caffe_s_spelling_of_test_and_time(run: Run, folder: Path) -> None:
    assert run("train", "-solver", "solver.prototxt").status == 0
    weights = "small_iter_10.caffemodel"
    done = run("test", "-model", "net.prototxt", "-weights", weights, "-iterations", "3", "-gpu=0")
    assert done.status == 0, done.err
    assert re.search(r"^Batch 2, loss = ", done.out, re.M)
    assert re.search(r"^loss = .*\(\* 1 = .* loss\)$", done.out, re.M)
    same = run("test", "solver.prototxt", f"--weights={weights}")
    assert "Batch 1" in same.out
    assert "Batch 2" not in same.out, "test_iter of the solver"
    done = run("time", "-model=net.prototxt", "-iterations=2", "-phase", "TEST")
    assert done.status == 0, done.err
    assert "Average Forward-Backward" in done.out
    assert re.search(r"^peak [1-9]\d* GFLOP/s, copy \d+\.\d GB/s$", done.out, re.M)
    assert re.search(r"^ip +InnerProduct +\d+\.\d{3} +\d+\.\d +\d+% +(ops|bytes) +\d+\.\d", done.out, re.M)


def test_time_as_json(run: Run, folder: Path) -> None:
    done = run("time", "net.prototxt", "--iterations", "2", "--engine", "reference", "--json")
    told = json.loads(done.out)
    assert (told["net"], told["engine"], told["phase"], told["passes"]) == ("Small", "reference", "TRAIN", 2)
    assert told["isa"].startswith("NumPy")
    layers = {layer["name"]: layer for layer in told["layers"]}
    assert layers["ip"]["type"] == "InnerProduct"
    assert layers["ip"]["forward"]["operations"] == 2 * 4 * 3 * 3
    assert layers["ip"]["forward"]["bytes"] == 4 * (2 * 4 * 3 + 3 * 3 + 3)
    assert layers["ip"]["backward"]["bound"] in {"operations", "bytes"}
    forward = layers["ip"]["forward"]
    assert forward["of_peak"] == pytest.approx(forward["gflops"] / told["peak_gflops"])
    assert forward["over_floor"] == pytest.approx(forward["ms"] / forward["floor_ms"])
    assert layers["loss"]["forward"]["gflops"] is None
    assert told["forward"]["ms"] == pytest.approx(sum(layer["forward"]["ms"] for layer in told["layers"]))


def test_weights_snapshot_and_set(run: Run, folder: Path) -> None:
    assert run("train", "solver.prototxt").status == 0
    done = run("train", "solver.prototxt", "-weights", "small_iter_10.caffemodel", "--set", "snapshot_prefix=tuned")
    assert done.status == 0, done.err
    assert "1 loaded" in done.err
    assert folder.joinpath("tuned_iter_10.caffemodel").exists()
    done = run("train", "solver.prototxt", "-snapshot", "small_iter_10.solverstate", "--iterations", "12")
    assert done.status == 0, done.err
    assert folder.joinpath("small_iter_12.solverstate").exists()
    assert "12 iterations done" in done.err


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read standard error up to the line with *text*, and return what was read."""
    assert process.stderr is not None
    read = ""
    deadline = time.monotonic() + 60
    for line in process.stderr:
        read += line
        if text in line:
            return read
        assert time.monotonic() < deadline, read
    raise AssertionError(f"ended without '{text}':\n{read}")


def end(process: subprocess.Popen[str]) -> str:
    """Wait until the program has ended, and return the rest of its standard error."""
    return process.communicate(timeout=60)[1]


pytest_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP, and other console signals")


@pytest_signals
class TestSignals:
    @pytest.fixture(autouse=True)
    def forever(self, folder: Path) -> None:
        text = 'net: "net.prototxt" base_lr: 0.001 lr_policy: "fixed" max_iter: 100000000 display: 50'
        folder.joinpath("forever.prototxt").write_text(f'{text} snapshot_prefix: "small"')

    def test_an_interrupt_ends_the_run_with_a_snapshot(self, started: Start, folder: Path) -> None:
        process = started(*FOREVER)
        wait_for(process, "Iteration 50 ")
        process.send_signal(signal.SIGINT)
        said = end(process)
        assert process.returncode == 130, said
        assert "Optimization stopped early." in said
        assert "Traceback" not in said
        (state,) = folder.glob("small_iter_*.solverstate")
        assert state.with_suffix(".caffemodel").exists()
        iteration = int(re.findall(r"\d+", state.name)[0])
        again = started(*FOREVER, "--snapshot", state.name, "--iterations", str(iteration + 3))
        assert f"small_iter_{iteration + 3}.caffemodel" in end(again)
        assert again.returncode == 0

    def test_termination_ends_it_likewise(self, started: Start, folder: Path) -> None:
        process = started(*FOREVER)
        wait_for(process, "Iteration 50 ")
        process.terminate()
        assert "Optimization stopped early." in end(process)
        assert list(folder.glob("small_iter_*.solverstate"))

    def test_a_hang_up_snapshots_and_goes_on(self, started: Start, folder: Path) -> None:
        process = started(*FOREVER)
        wait_for(process, "Iteration 50 ")
        process.send_signal(signal.SIGHUP)
        wait_for(process, "Snapshotting solver state")
        wait_for(process, "Iteration ")
        assert list(folder.glob("small_iter_*.caffemodel"))
        process.send_signal(signal.SIGINT)
        end(process)
        assert process.returncode == 130
        assert len(list(folder.glob("small_iter_*.solverstate"))) == 2

    def test_the_effects_can_be_chosen_in_caffe_s_spelling(self, started: Start, folder: Path) -> None:
        process = started(*FOREVER, "-sigint_effect", "snapshot", "--sighup_effect=stop")
        wait_for(process, "Iteration 50 ")
        process.send_signal(signal.SIGINT)
        wait_for(process, "Snapshotting solver state")
        wait_for(process, "Iteration ")
        process.send_signal(signal.SIGHUP)
        assert "Optimization stopped early." in end(process)
        assert len(list(folder.glob("small_iter_*.solverstate"))) == 2

    def test_with_no_effect_it_goes_on(self, started: Start, folder: Path) -> None:
        process = started(*FOREVER, "-sigint_effect=none")
        wait_for(process, "Iteration 50 ")
        process.send_signal(signal.SIGINT)
        wait_for(process, "Iteration ")
        process.kill()
        end(process)
        assert not list(folder.glob("small_iter_*"))

    def test_a_second_interrupt_ends_the_program_at_once(self, started: Start, folder: Path) -> None:
        folder.joinpath("slow.py").write_text("""
import time, cortado
from cortado.solver import Callback

@cortado.register
class Slow(Callback):
    type = "slow"
    def on_iteration(self, solver, metrics):
        print("waiting", flush=True)
        time.sleep(60)
""")
        process = started("--plugins-dir", ".", *FOREVER, "--callback", "slow")
        assert process.stdout is not None
        assert "waiting" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        said = end(process)
        assert process.returncode == 130
        assert "Traceback" not in said


def test_the_log_is_plain_lines_when_piped(folder: Path) -> None:
    command = [sys.executable, "-m", "cortado", "train", "solver.prototxt"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert "\x1b" not in done.stderr
    assert "\r" not in done.stderr
    assert re.search(
        r"^I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ solver\.cpp:\d+\] Iteration 5 \(.* iter/s, .*\), loss = ",
        done.stderr,
        re.M,
    )


def test_a_closed_pipe_is_no_traceback(folder: Path) -> None:
    command = f"{sys.executable} -m cortado layers | head -1"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
