"""Ctrl-C ends a run within two seconds also where a thread or a layer of somebody else's does not answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cortado import Solver
from cortado.data import array_to_datum, prefetch
from cortado.data.sources.lmdb import Lmdb
from cortado.solver.signals import handle_signals

SOURCE = """
import os, time
from cortado.data.sources.lmdb import Lmdb
from cortado.plugins import hookimpl

class Slow(Lmdb):
    '''Record number 13 takes a minute.'''
    type = "SLOW"

    def records(self, start=0, step=1):
        for number, record in enumerate(super().records(start, step), start):
            if number == int(os.environ["SLOW_AT"]):
                print("reading slowly", flush=True)
                for _ in range(60 if "IN_STEPS" not in os.environ else 60_000):
                    time.sleep(60 / (60 if "IN_STEPS" not in os.environ else 60_000))
            yield record

@hookimpl
def cortado_sources():
    return [Slow]
"""
LAYER = """
import time
import cortado

class Sleeper(cortado.Layer):
    def setup(self, bottom, top):
        self.times = 0

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].shape)

    def forward(self, bottom, top):
        self.times += 1
        top[0].data[...] = bottom[0].data
        if self.times == 4:
            print("reading slowly", flush=True)
            %s
"""
STUBBORN = """
            for _ in range(2):
                try:
                    time.sleep(60)
                except BaseException:
                    pass
            time.sleep(60)
"""
NET = """
layer {{ name: "d" type: "Data" top: "x" top: "y" cortado_data_param {{ backend: "{backend}" }}
  data_param {{ source: "{folder}/db" batch_size: 2 prefetch: {prefetch} }} include {{ phase: TRAIN }} }}
layer {{ name: "d" type: "Data" top: "x" top: "y" cortado_data_param {{ backend: "{test}" }}
  data_param {{ source: "{folder}/db" batch_size: 2 prefetch: {prefetch} }} include {{ phase: TEST }} }}
{layer}
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "p" inner_product_param {{ num_output: 5
  weight_filler {{ type: "gaussian" }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "p" bottom: "y" top: "loss" }}
"""
RULES = 'base_lr: 0.001 lr_policy: "fixed" max_iter: 20 random_seed: 5 test_iter: 8 test_interval: 5'


def prepare(folder: Path, prefetch: int = 4, backend: str = "LMDB", test: str = "LMDB", layer: str = "") -> Path:
    with Lmdb.create(folder / "db") as writer:
        for index in range(40):
            image = np.full((1, 2, 2), index, np.uint8)
            writer.put(b"%02d" % index, array_to_datum(image, index % 5).SerializeToString())
    (folder / "net.prototxt").write_text(
        NET.format(folder=folder, prefetch=prefetch, backend=backend, test=test, layer=layer)
    )
    solver = folder / "s.prototxt"
    solver.write_text(f'net: "{folder}/net.prototxt" snapshot_prefix: "{folder}/s" {RULES}\n')
    return solver


def interrupted(folder: Path, solver: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command, and presses Ctrl-C soon after it says that it is slow, which lasts a minute; it must not."""
    command = [sys.executable, "-u", "-m", "cortado", "--plugins-dir", str(folder / "plugins"), "train", str(solver)]
    process = subprocess.Popen(
        [*command, "--engine", "reference", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    time.sleep(0.1)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    print(f"ended after {time.monotonic() - begin:.2f} s")
    assert said == "reading slowly\n", err
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "slow.py").write_text(SOURCE)
    return tmp_path


@pytest.mark.parametrize("ahead", [0, 4])
@pytest.mark.parametrize("steps", [{}, {"IN_STEPS": "1"}])
def test_a_source_that_does_not_answer(plugins: Path, ahead: int, steps: dict[str, str]) -> None:
    solver = prepare(plugins, ahead, backend="SLOW")
    ended = interrupted(plugins, solver, SLOW_AT="13", **steps)
    assert ended.returncode == 130, ended.stderr
    assert "Optimization stopped early" in ended.stderr
    assert (plugins / "s_iter_6.cortado").exists()


@pytest.mark.parametrize("ahead", [0, 4])
def test_in_a_test(plugins: Path, ahead: int) -> None:
    solver = prepare(plugins, ahead, test="SLOW")
    ended = interrupted(plugins, solver, SLOW_AT="13")
    assert ended.returncode == 130, ended.stderr
    assert (plugins / "s_iter_0.cortado").exists()


def test_while_the_net_is_built(plugins: Path) -> None:
    """Nothing is there yet that a snapshot could hold."""
    ended = interrupted(plugins, prepare(plugins, backend="SLOW"), SLOW_AT="0")
    assert ended.returncode == 130, ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(plugins.glob("s_iter_*"))


@pytest.mark.parametrize("body", ["time.sleep(60)", STUBBORN], ids=["sleeps", "catches everything"])
def test_a_layer_of_somebody_elses(plugins: Path, body: str) -> None:
    (plugins / "sleeping.py").write_text(LAYER % body)
    layer = (
        'layer { name: "own" type: "Python" bottom: "x" top: "own" '
        'python_param { module: "sleeping" layer: "Sleeper" } include { phase: TRAIN } }'
    )
    ended = interrupted(plugins, prepare(plugins, layer=layer), "--allow-python-layers", SLOW_AT="99")
    assert ended.returncode == 130, ended.stderr
    assert (plugins / "s_iter_3.cortado").exists()


def weights(solver: Solver) -> list[bytes]:
    return [p.blob.data.tobytes() for p in solver.net.learnable]


def test_while_the_thread_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends, and can go on in the same process: no second thread reads from the same database."""
    path = prepare(tmp_path)
    peace = Solver(path, engine="reference")
    peace.step(12)
    start: Callable[[prefetch._Worker], None] = prefetch._Worker.start
    starts: list[prefetch._Worker] = []

    def slowly(worker: prefetch._Worker) -> None:
        starts.append(worker)
        start(worker)
        if len(starts) == 2:  # that of the training net
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)

    monkeypatch.setattr(prefetch._Worker, "start", slowly)
    solver = Solver(path, engine="reference")
    begin = time.monotonic()
    with handle_signals(solver):
        solver.step(12)
    assert time.monotonic() - begin < 30
    assert (solver.iteration, solver.interrupted) == (0, True)
    solver.step(12)
    assert not starts[1].thread.is_alive()
    assert weights(solver) == weights(peace)


def test_a_test_that_was_ended_begins_anew(tmp_path: Path) -> None:
    """Called by hand, or in a run that goes on."""
    path = prepare(tmp_path)
    peace = Solver(path, engine="reference")
    peace.step(5)
    expected = peace.test()[0].outputs
    solver = Solver(path, engine="reference")
    solver.step(5)
    net, forwards = solver.test_nets[0], []

    def stop(index: int) -> None:
        if index == 0:
            forwards.append(1)
            if len(forwards) == 3:
                solver.request_stop()

    net.before_forward.append(stop)
    solver.step(1)
    assert (solver.iteration, len(forwards)) == (5, 3)
    assert solver.test()[0].outputs == expected
