"""Kills random ranks of running trainings, and sees that nothing hangs and nothing is lost.

    python tests/parallel/kills.py 20 --ranks 2

Each time a training on several ranks is started, one of them is killed at a random moment after the first snapshot,
all must end soon, and ``--resume auto`` must go on from a snapshot no older than the newest there was, and end with
the weights, bit for bit, of a training that nobody disturbed.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cortado.data import array_to_datum
from cortado.data.sources.lmdb import Lmdb

SOON = 30.0
LAST, EVERY = 300, 10
NET = """
layer { name: "data" type: "Data" top: "data" top: "label" transform_param { mirror: true scale: 0.01 }
  data_param { source: "%s/train" backend: LMDB batch_size: 8 } cortado_data_param { shuffle: true } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 1 max_iter: %d snapshot: %d
"""


class Trial:
    """A folder with a net and its data, in which trainings are started."""

    def __init__(self, folder: Path, ranks: int) -> None:
        self.folder, self.ranks = folder, ranks
        beside = Path(sys.executable).with_name("mpirun")
        mpirun = str(beside) if beside.exists() else shutil.which("mpirun") or sys.exit("there is no mpirun")
        about = subprocess.run([mpirun, "--version"], capture_output=True, text=True, check=False).stdout
        self.command = [mpirun, *(["--oversubscribe"] if "Open MPI" in about else []), "-n", str(ranks)]
        rng = np.random.default_rng(0)
        with Lmdb.create(folder / "train") as writer:
            for index in range(101):
                image = rng.integers(0, 256, (2, 12, 12), np.uint8)
                writer.put(b"%04d" % index, array_to_datum(image, index % 3).SerializeToString())
        (folder / "net.prototxt").write_text(NET % folder)
        (folder / "solver.prototxt").write_text(SOLVER % (LAST, EVERY))

    def start(self, prefix: str, token: str = "") -> subprocess.Popen[str]:
        train = [sys.executable, "-m", "cortado", "train", "solver.prototxt", "--resume", "auto", "--log"]
        train += ["--engine", "reference", "--set", f"snapshot_prefix={self.folder}/{prefix}"]
        own = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "CORTADO_TRIAL": token}
        env = {**os.environ, **own, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}
        output = (self.folder / f"{prefix}.log").open("w")
        return subprocess.Popen(
            [*self.command, *train], cwd=self.folder, env=env, stdout=output, stderr=output, text=True
        )

    def weights(self, prefix: str) -> bytes:
        return (self.folder / f"{prefix}_iter_{LAST}.caffemodel").read_bytes()

    def newest(self, prefix: str) -> int:
        states = self.folder.glob(f"{prefix}_iter_*.solverstate")
        return max((int(path.stem.rpartition("_")[2]) for path in states), default=0)

    def finish(self, prefix: str) -> str:
        """Train to the end; returns the log."""
        status = self.start(prefix).wait(timeout=300)
        log = (self.folder / f"{prefix}.log").read_text(errors="replace")
        if status:
            raise SystemExit(f"status {status}\n{log}")
        return log


def ranks_of(token: str) -> dict[int, int]:
    """Process number by rank, of the processes that were started with *token*."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        rank = re.search(rb"(?:^|\0)(?:OMPI_COMM_WORLD_RANK|PMI_RANK)=(\d+)", text)
        if f"CORTADO_TRIAL={token}".encode() in text and rank:
            found[int(rank[1])] = int(path.parent.name)
    return found


def kill_one(trial: Trial, prefix: str, rng: random.Random, longest: float) -> str:
    """One kill and one resume; returns what happened, in words."""
    token = secrets.token_hex(8)
    job = trial.start(prefix, token)
    while not trial.newest(prefix) and job.poll() is None:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, longest))
    there, rank, processes = trial.newest(prefix), rng.randrange(trial.ranks), ranks_of(token)
    if job.poll() is not None or rank not in processes:
        job.wait(timeout=SOON)
        return f"ended at {trial.newest(prefix)} before it was killed"
    os.kill(processes[rank], signal.SIGKILL)
    begin = time.monotonic()
    status = job.wait(timeout=SOON)
    took = time.monotonic() - begin
    if not status:
        return "ended before the kill took effect"
    if left := ranks_of(token):
        raise SystemExit(f"ranks {sorted(left)} are still there")
    log = trial.finish(prefix)
    restored = re.search(r"Restored iteration (\d+) from .*, to go on exactly", log)
    if not restored or int(restored[1]) < there:
        raise SystemExit(f"iteration {there} was on disk, and is lost\n{log}")
    return f"rank {rank} killed after iteration {there}, all ended in {took:.1f} s, went on from {restored[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=20)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(Path(name), arguments.ranks)
        begin = time.monotonic()
        trial.finish("whole")
        longest = (time.monotonic() - begin) / 3
        done = tries = 0
        while done < arguments.count:
            prefix = f"run{tries}"
            text = kill_one(trial, prefix, rng, longest)
            tries += 1
            killed = text.startswith("rank")
            if killed and trial.weights(prefix) != trial.weights("whole"):
                raise SystemExit(f"{text}; but the weights at the end are others")
            done += killed
            print(f"{done}/{arguments.count}: {text}", flush=True)
            for path in trial.folder.glob(f"{prefix}_*"):
                path.unlink()
    print(f"{done} kills: no hang, no lost snapshot, every run ended with the weights of the undisturbed one")


if __name__ == "__main__":
    main()
