"""What every rank of ``scaling.py`` runs: ``mpirun -n 16 python scaling_rank.py OPTIONS``, OPTIONS being JSON.

One solver a rank, with one thread on a core of its own. Which ranks train together is changed between rounds, so all
that is compared is compared on the same memory, within seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from cortado.solver.parallel.mpi import SETTINGS, Mpi

os.environ.update({name: value for name, value in SETTINGS.items() if name not in os.environ})
from mpi4py import MPI

from cortado import Solver
from cortado.engines import get_engine
from cortado.plugins import plugin_manager
from cortado.proto import parse_text
from cortado.solver.parallel.reducer import Reducer
from cortado.solver.parallel.single import Single

ROOT = Path(__file__).resolve().parent.parent
SOLVER = """
net: "{model}" base_lr: 0.0001 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005 max_iter: 1000000
random_seed: 1 snapshot_after_train: false
"""
SIZES = [64, 2**16, 2**20, 2**23]
"""Bytes of the sums that are timed by themselves."""


def quiet_barrier() -> None:
    """Wait for all ranks, without taking the processor from those that still compute."""
    request = MPI.COMM_WORLD.Ibarrier()
    while not request.Test():
        time.sleep(0.002)


def pin() -> list[int]:
    """Give this rank a core of its own, all physical cores before their second threads. Returns the order."""
    first: dict[str, list[int]] = defaultdict(list)
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        first[siblings.read_text().strip() if siblings.exists() else str(cpu)].append(cpu)
    order = [cpus[turn] for turn in range(4) for cpus in first.values() if turn < len(cpus)]
    os.sched_setaffinity(0, {order[MPI.COMM_WORLD.rank % len(order)]})
    return order


class Crew:
    """One solver, and the groups of ranks that it can train with."""

    def __init__(self, name: str, counts: list[int], fields: str) -> None:
        engine: Any = get_engine("auto")
        if hasattr(engine, "set_threads"):
            engine.set_threads(1)
        self.engine = f"{engine.name} ({engine.isa})"
        text = SOLVER.format(model=ROOT / "examples" / "models" / f"{name}.prototxt") + fields
        message = parse_text(text, plugin_manager().schema().message("SolverParameter"), "benchmark").message
        self.solver: Any = Solver(message, engine=engine, communicator=Mpi())
        self.solver.step(2)
        self.solver.net.after_backward.clear()
        self.groups: dict[int, Any] = {1: Single()}
        for count in counts:
            inside = MPI.COMM_WORLD.rank < count
            group = MPI.COMM_WORLD.Split(0 if inside else MPI.UNDEFINED, MPI.COMM_WORLD.rank)
            if count > 1 and inside:
                everybody = count == MPI.COMM_WORLD.size
                self.groups[count] = self.solver.parallel.communicator if everybody else Mpi(group)
        options = self.solver.parallel.options
        self.reducers = {
            n: Reducer(self.solver.net, g, options.bucket_mb, options.half) for n, g in self.groups.items()
        }

    def join(self, count: int) -> None:
        """Train with the first *count* ranks from now on; with 1, alone."""
        parallel = self.solver.parallel
        parallel.communicator = parallel.report.communicator = self.groups[count]
        parallel.rank, parallel.world = self.groups[count].rank, count
        parallel.reducer = self.reducers[count] if count > 1 else None
        for bucket in self.reducers[count].buckets:
            bucket.place()

    def timed(self, iterations: int) -> tuple[list[float], float]:
        """Seconds of each iteration, and of processor time of all."""
        times, cpu = [], time.process_time()
        for _ in range(iterations):
            begin = time.perf_counter()
            self.solver.step(1)
            times.append(time.perf_counter() - begin)
        return times, time.process_time() - cpu

    def profile(self, rounds: int) -> dict[str, Any]:
        """When each bucket is complete, how long forward and backward take, and the rest of an iteration."""
        self.join(1)
        net, marks, compute = self.solver.net, [], []
        hook = lambda index: marks[-1].append(time.perf_counter())  # noqa: E731
        whole = median(self.timed(rounds)[0])
        net.after_backward.append(hook)
        for _ in range(rounds):
            marks.append([])
            net.clear_param_diffs()
            begin = time.perf_counter()
            net.forward()
            net.backward()
            compute.append(time.perf_counter() - begin)
            marks[-1] = [t - begin for t in marks[-1]]
        net.after_backward.remove(hook)
        chosen = sorted(range(rounds), key=compute.__getitem__)[rounds // 2]
        last = len(net.steps) - 1
        rows = [
            {"bytes": float(b.flat.nbytes), "ready": marks[chosen][last - b.ready]} for b in self.reducers[1].buckets
        ]
        return {"buckets": rows, "compute": compute[chosen], "update": max(0.0, whole - compute[chosen])}

    def sums(self, count: int, repeats: int = 15) -> dict[str, float]:
        """Median seconds of sums of several sizes over *count* ranks that do nothing else."""
        import numpy as np

        communicator, found = self.groups[count], {}
        for size in SIZES:
            array, times = np.zeros(size // 4, np.float32), []
            for _ in range(repeats):
                communicator.barrier()
                begin = time.perf_counter()
                communicator.allreduce(array)
                times.append(time.perf_counter() - begin)
            found[str(size)] = median(times)
        return found


def modes_of(counts: list[int], threaded: bool) -> list[tuple[str, int]]:
    """What a round does: one rank alone; *n* ranks apart, without a word between them; *n* together; and, where
    transfers have a thread, together without it."""
    kinds = ("apart", "together", *(["layers"] if threaded else []))
    return [(kind, n) for n in counts for kind in (kinds if n > 1 else ("apart",))]


def measure(name: str, counts: list[int], seconds: float, rounds: int, fields: str, order: list[int]) -> dict[str, Any]:
    """Rounds of all modes for so many *seconds*, at least two and at most *rounds*. What rank 0 returns has of each
    mode and round what each rank took per iteration; of other ranks, nothing."""
    world, begin = MPI.COMM_WORLD, time.perf_counter()
    crew = Crew(name, counts, fields)
    made = time.perf_counter() - begin
    threaded = crew.solver.parallel.communicator.background
    facts = crew.profile(4) if world.rank == 0 else {}
    modes = modes_of(counts, threaded)
    about = facts.get("compute", 0.0) + facts.get("update", 0.0)
    per_mode = max(0.1, seconds / len(modes) / 8)  # eight rounds, if all were as fast as one rank alone
    iterations = world.bcast(max(2, int(per_mode / about)) if about else 0)
    rows: dict[str, list[Any]] = defaultdict(list)
    done = 0
    while True:
        turn = done % len(modes)
        for kind, n in modes[turn:] + modes[:turn]:
            quiet_barrier()
            mine = None
            if world.rank < n:
                crew.join(1 if kind == "apart" else n)
                crew.groups[n].background = threaded and kind != "layers"
                times, cpu = crew.timed(iterations)
                mine = {"median": median(times), "mean": sum(times) / iterations, "cpu": cpu / iterations}
            quiet_barrier()
            found = world.gather(mine)
            if found is not None:
                rows[f"{kind} {n}"].append([row for row in found if row])
        done += 1
        spent = time.perf_counter() - begin
        if world.bcast(done >= rounds or (done >= 2 and spent + spent / (done + 1) > seconds)):
            break
    sums = {}
    for n in counts:
        quiet_barrier()
        if n > 1 and world.rank < n:
            sums[str(n)] = crew.sums(n)
    quiet_barrier()
    about_run = {"net": name, "engine": crew.engine, "iterations": iterations, "rounds": done, "making": made}
    return {**about_run, "modes": dict(rows), "sums": sums, "cpus": order, **facts} if world.rank == 0 else {}


def main() -> None:
    options = json.loads(sys.argv[1])
    order = pin()
    found = measure(order=order, **options)
    if found:
        found["mpi"] = MPI.Get_library_version().splitlines()[0].strip("\0 ")
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
