"""Kill a training run again and again, and see that what comes out is the run that was never killed.

    python tests/reliability/kill_test.py --kills 200

A run snapshots every two iterations and is ended by SIGKILL at random moments. After each kill every file in its
folder must be whole (or a temporary one, which the next start removes). It is started again with the newest snapshot,
and every loss, test score, and in the end every byte of weights and solver state must be that of a run left in peace.
Then a new run begins, until there were as many kills as asked for. Prints a table; exit status 1 if anything differed.

``--full-disk N`` also starts N processes on a small file system that runs full (it needs the right to mount one), and
``--read-only`` one in a folder that it may not write to.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

NET = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { mirror: true crop_size: 8 scale: 0.01 }
  data_param { source: "%(data)s/train" backend: LMDB batch_size: 16 } cortado_data_param { shuffle: true } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { crop_size: 8 scale: 0.01 } data_param { source: "%(data)s/test" backend: LMDB batch_size: 7 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: STOCHASTIC kernel_size: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
"""
SOLVER = """
net: "%(folder)s/net.prototxt" snapshot_prefix: "%(folder)s/run" base_lr: 0.01 momentum: 0.9 type: "%(type)s"
lr_policy: "multistep" gamma: 0.5 stepvalue: 60 stepvalue: 120 max_iter: %(iterations)d average_loss: 5 iter_size: 2
test_iter: 3 test_interval: 9 snapshot: 2 snapshot_format: %(format)s
"""


def make_data(folder: Path) -> None:
    """Two databases of random images."""
    from cortado.data import array_to_datum
    from cortado.data.sources.lmdb import Lmdb

    rng = np.random.default_rng(0)
    for name, count in (("train", 101), ("test", 23)):
        with Lmdb.create(folder / name) as writer:
            for index in range(count):
                image = rng.integers(0, 256, (3, 9, 10), np.uint8)
                writer.put(b"%04d" % index, array_to_datum(image, index % 5).SerializeToString())


def child(folder: Path) -> None:
    """One process of a run: goes on from the newest snapshot and writes down what it computes."""
    from cortado import Solver
    from cortado.solver import Callback
    from cortado.solver.callbacks.retention import Retention

    diary = open(diary_of(folder), "a", buffering=1)  # noqa: SIM115 - open until the process is killed

    class Diary(Callback):
        def on_iteration(self, solver: Solver, metrics: Any) -> None:
            numbers = [metrics.loss.hex(), metrics.smoothed.hex(), metrics.rate.hex()]
            diary.write(json.dumps(["train", metrics.iteration, numbers]) + "\n")

        def on_test(self, solver: Solver, result: Any) -> None:
            diary.write(json.dumps(["test", result.iteration, [value.hex() for _, value, _ in result.outputs]]) + "\n")

    solver = Solver(folder / "solver.prototxt", callbacks=[Diary(), Retention(last=3)])
    found = solver.restore_newest()
    diary.write(json.dumps(["start", solver.iteration, [str(found), solver.seed]]) + "\n")
    solver.solve()


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--child", str(folder)]
    environment = {**os.environ, "CORTADO_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def prepare(folder: Path, data: Path, **fields: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "net.prototxt").write_text(NET % {"data": data})
    (folder / "solver.prototxt").write_text(SOLVER % {"folder": folder, **fields})


def diary_of(folder: Path) -> Path:
    """Beside the folder, so that a full disk or a locked folder does not concern it."""
    return folder.with_suffix(".diary")


def rows(folder: Path) -> list[list[Any]]:
    """The whole lines of a diary."""
    text = diary_of(folder).read_text() if diary_of(folder).exists() else ""
    return [json.loads(line) for line in text.split("\n") if line.startswith("[") and line.endswith("]")]


def wait_for_start(process: subprocess.Popen[bytes], folder: Path, starts: int) -> None:
    while process.poll() is None and sum(row[0] == "start" for row in rows(folder)) <= starts:
        time.sleep(0.005)


def check_folder(folder: Path) -> list[str]:
    """What is not whole: each file must be readable, each solver state have its run file, the newest vouch for it."""
    from cortado.errors import CortadoError
    from cortado.netdef.weight_files import read_weight_file
    from cortado.plugins import plugin_manager
    from cortado.proto import read_binary
    from cortado.solver.run_file import read_run_file
    from cortado.solver.run_state import read_run_state, run_path

    problems = []
    states = sorted(folder.glob("run_iter_*.solverstate*"), key=lambda path: int(path.name.split("_")[2].split(".")[0]))
    for path in folder.glob("run_iter_*"):
        try:
            if ".caffemodel" in path.name:
                read_weight_file(path, plugin_manager())
            elif path.name.endswith(".solverstate"):
                read_binary(path, plugin_manager().schema().SolverState)
            elif path.suffix == ".cortado":
                read_run_file(path)
            if path in states and not run_path(path).exists():
                problems.append(f"{path.name}: has no run file")
            if states and path == states[-1]:
                read_run_state(run_path(path))
        except CortadoError as error:
            problems.append(f"{path.name}: {error}")
    return problems


def final_files(folder: Path, iterations: int) -> dict[str, bytes]:
    found = {p.name: p.read_bytes() for p in folder.glob(f"run_iter_{iterations}.*") if p.suffix != ".cortado"}
    return {name: data.replace(str(folder).encode(), b"FOLDER") for name, data in found.items()}


class Checker:
    """Holds the run that was left in peace, and counts what others do differently."""

    def __init__(self, folder: Path, data: Path, fields: dict[str, Any]) -> None:
        self.fields, self.iterations = fields, fields["iterations"]
        prepare(folder, data, **fields)
        begin = time.monotonic()
        if start(folder).wait():
            raise SystemExit("the run that is left in peace fails")
        self.seconds = time.monotonic() - begin
        all_rows = rows(folder)
        self.seed = all_rows[0][2][1]
        self.wanted = {(kind, iteration): numbers for kind, iteration, numbers in all_rows if kind != "start"}
        self.files = final_files(folder, self.iterations)
        self.count: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []

    def compare(self, folder: Path) -> None:
        """All numbers in the diary, and the last files if the run came to its end."""
        for kind, iteration, numbers in rows(folder):
            if kind != "start":
                self.count["numbers compared"] += len(numbers)
                if numbers != self.wanted[kind, iteration]:
                    self.problems.append(
                        f"{folder.name}: {kind} {iteration}: {numbers}, not {self.wanted[kind, iteration]}"
                    )

    def compare_files(self, folder: Path) -> None:
        for name, data in final_files(folder, self.iterations).items():
            self.count["last files compared"] += 1
            if len(self.files[name]) != len(data) or (not name.endswith(".h5") and self.files[name] != data):
                self.problems.append(f"{folder.name}: {name} differs")


def kill_run(checker: Checker, folder: Path, data: Path, kills: int, rng: random.Random) -> int:
    """One run with up to *kills* kills; returns how many there were."""
    prepare(folder, data, **checker.fields)
    done = 0
    while True:
        process = start(folder)
        wait_for_start(process, folder, sum(row[0] == "start" for row in rows(folder)))
        if done < kills:
            time.sleep(rng.uniform(0, rng.choice([0.02, 0.2, 0.5])))
            process.send_signal(signal.SIGKILL)
        code = process.wait()
        if code == 0:
            break
        if code != -signal.SIGKILL:
            checker.problems.append(f"{folder.name}: ended with {code}: {process.communicate()[1].decode()[-600:]}")
            break
        done += 1
        leftovers = len(list(folder.glob(".run_iter_*.tmp")))
        checker.count["kills"] += 1
        checker.count["kills within the writing of a file"] += bool(leftovers)
        checker.count["kills between the files of a snapshot"] += 1 in _files_each(folder) or 2 in _files_each(folder)
        checker.problems += check_folder(folder)
    checker.count["runs"] += 1
    checker.count["starts"] += sum(row[0] == "start" for row in rows(folder))
    checker.compare(folder)
    checker.compare_files(folder)
    if list(folder.glob(".run_iter_*.tmp")):
        checker.problems.append(f"{folder.name}: temporary files are left")
    shutil.rmtree(folder)
    return done


def _files_each(folder: Path) -> list[int]:
    """How many files there are of each snapshot."""
    return list(collections.Counter(path.name.split(".")[0] for path in folder.glob("run_iter_*")).values())


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[str], None] | None]:
    """A file system of its own at *folder*, and a function that changes its options; None without the right to it."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        print("not tried: mounting a file system needs more rights")
        yield None
        return
    try:
        yield lambda options: _remount(folder, options)
    finally:
        subprocess.run(["umount", str(folder)], check=False)


def _remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def full_disk(checker: Checker, folder: Path, data: Path, times: int, rng: random.Random) -> None:
    """A file system that has room for a few files only, in turn with one that has more, until the run is through."""
    with small_disk(folder) as change:
        if change is None:
            return
        prepare(folder, data, **checker.fields)
        size = sum(len(data) for data in checker.files.values())
        for _ in range(times):
            room = shutil.disk_usage(folder).used + int(rng.uniform(0.2, 3) * size) // 4096 * 4096 + 4096
            change(f"size={room}")
            before = sum(row[0] == "start" for row in rows(folder))
            process = start(folder)
            wait_for_start(process, folder, before)
            with suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0.1, 4))
            process.kill()
            text = process.communicate()[1].decode()
            checker.count["processes on a small disk"] += 1
            checker.count["of them, ended by a write that failed"] += "No space left on device" in text
            checker.problems += check_folder(folder)
            if "Traceback" in text and "No space left on device" not in text:
                checker.problems.append(f"{folder.name}: {text[-500:]}")
        change("size=4m")
        if start(folder).wait():
            checker.problems.append(f"{folder.name}: does not end once there is room")
        checker.compare(folder)
        checker.compare_files(folder)


def read_only(checker: Checker, folder: Path, data: Path) -> None:
    """A folder that cannot be written to: one clear error, and the last snapshot is as it was."""
    with small_disk(folder) as change:
        if change is None:
            return
        prepare(folder, data, **{**checker.fields, "iterations": 10})
        start(folder).wait()
        (folder / "solver.prototxt").write_text(SOLVER % {"folder": folder, **checker.fields})
        before = {p.name: p.read_bytes() for p in folder.glob("run_*")}
        change("ro")
        process = start(folder)
        text = process.communicate()[1].decode()
        checker.count["read-only folders"] += 1
        if process.returncode == 0 or "cannot write this file: Read-only file system" not in text:
            checker.problems.append(f"read-only folder: exit {process.returncode}: {text[-500:]}")
        if {p.name: p.read_bytes() for p in folder.glob("run_*")} != before:
            checker.problems.append("read-only folder: files have changed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--iterations", type=int, default=180)
    parser.add_argument("--per-run", type=int, default=12, help="kills in one run at most")
    parser.add_argument("--full-disk", type=int, default=0, metavar="N", help="also N processes whose disk runs full")
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return 0
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    total: collections.Counter[str] = collections.Counter()
    problems: list[str] = []
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        make_data(base)
        variants = [("SGD", "BINARYPROTO"), ("Adam", "BINARYPROTO"), ("AdaDelta", "HDF5")]
        checkers = []
        for number, (kind, format_) in enumerate(variants):
            fields = {"type": kind, "format": format_, "iterations": arguments.iterations}
            fields["type"] = f'{kind}" random_seed: {number} regularization_type: "L2'
            checkers.append(Checker(base / f"peace{number:03}", base, fields))
        print(f"seed {seed}; a run left in peace takes {checkers[0].seconds:.1f} s", flush=True)
        done = run = 0
        while done < arguments.kills and not problems:
            checker = checkers[run % len(checkers)]
            done += kill_run(
                checker, base / f"kills{run:03}", base, min(arguments.per_run, arguments.kills - done), rng
            )
            problems = [problem for one in checkers for problem in one.problems]
            run += 1
            print(f"{done} kills, {run} runs, {len(problems)} problems", flush=True)
        if arguments.full_disk:
            for checker in (checkers[0], checkers[-1]):
                place = base / f"disk{checkers.index(checker):04}"  # as long a name as the others: states hold it
                full_disk(checker, place, base, arguments.full_disk // 2, rng)
        if arguments.read_only:
            read_only(checkers[0], base / "readonly", base)
        problems = [problem for one in checkers for problem in one.problems]
        for one in checkers:
            total.update(one.count)
    for what, number in total.items():
        print(f"{number:8,}  {what}")
    print(f"{len(problems):8,}  problems, in {time.monotonic() - begin:.0f} s")
    for problem in problems[:20]:
        print(problem)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
