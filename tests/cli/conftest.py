"""The program called as from a shell, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cortado.plugins import PluginManager

NET = """
name: "Small"
layer {
  name: "data" type: "DummyData" top: "data"
  dummy_data_param { shape { dim: 4 dim: 3 } data_filler { type: "gaussian" } }
}
layer {
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "data" top: "loss" }
"""
SOLVER = """
net: "net.prototxt"
test_iter: 2
test_interval: 5
base_lr: 0.01
lr_policy: "fixed"
max_iter: 10
display: 5
random_seed: 1
snapshot_prefix: "small"
"""


class Outcome(NamedTuple):
    """The exit status and what was printed."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a small net and its solver."""
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("net.prototxt").write_text(NET)
    tmp_path.joinpath("solver.prototxt").write_text(SOLVER)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cortado_plugins: PluginManager) -> Run:
    """``run("check", "net.prototxt")``: the program in this process, with all that stands around its commands."""
    from cortado.__main__ import main

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["cortado", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        return Outcome(int(stopped.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def started(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``started("train", …)``: the program in a process of its own, its standard error as text to read."""
    processes = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "cortado", *arguments],
            cwd=folder,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
