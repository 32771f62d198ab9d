"""How much of ``cortado train`` is spent in kernels, in reading data, and in Python, and where that Python is.

    python benchmarks/overhead.py                                   # the digits example
    python benchmarks/overhead.py --mnist ~/mnist                   # and LeNet on MNIST, from its four files
    python benchmarks/overhead.py --mnist ~/mnist --iterations 1000 --rounds 5 --json overhead.json

Each round is two processes, in each of which the command line's entry point trains. The wall time of its main thread is
divided without rest:

- kernels: what the native module counts between letting go of the interpreter and wanting it back;
- data: waiting for the thread that makes batches, waiting for the interpreter while that thread has it, and taking
  batches over (data layers, less the kernel that copies);
- Python: all else, NumPy's share and the arguments of kernels included, by the place where it is spent; writing
  snapshots is a place too, though most of it is waiting for the disk.

The share of kernels and data is told of the training (from the first iteration to the last, with tests and snapshots)
and of the whole command (from the start of the process to its end, with imports and set-up). Measuring takes time too,
the more as kernels clear the caches. So the shares come from the first process, which looks at the clock twice a batch,
and only the second one tells the places. Medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KERNELS = "kernels"
DATA = ("waiting for data", "taking batches over")
DIGITS = ["examples/digits/solver.prototxt"]
Figures = dict[str, Any]


class Clock:
    """Divides the time of a thread among places, of which the innermost that is entered counts."""

    def __init__(self, counted: Callable[[], tuple[int, int]], begin: int) -> None:
        self.counted, self.last, self.seen = counted, begin, counted()
        self.places: dict[str, int] = {}
        self.inside = ["start"]

    def move(self) -> None:
        """Book the time since the last move."""
        now, seen = time.perf_counter_ns(), self.counted()
        kernels, waiting = seen[0] - self.seen[0], seen[1] - self.seen[1]
        for place, spent in (
            (KERNELS, kernels),
            (DATA[0], waiting),
            (self.inside[-1], now - self.last - kernels - waiting),
        ):
            self.places[place] = self.places.get(place, 0) + spent
        self.last, self.seen = now, seen

    def watch(self, owner: Any, name: str, place: str) -> None:
        """Let what *owner*'s function *name* takes count for *place*."""
        function = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            self.move()
            self.inside.append(place)
            try:
                return function(*arguments, **named)
            finally:
                self.move()
                self.inside.pop()

        setattr(owner, name, watched)


class Stopwatch:
    """Adds up what a function takes, less the kernels in it."""

    def __init__(self, counted: Callable[[], tuple[int, int]], owner: Any, name: str) -> None:
        self.spent = 0
        function, now = getattr(owner, name), time.perf_counter_ns

        def watched(*arguments: Any) -> Any:
            before = now() - sum(counted())
            try:
                return function(*arguments)
            finally:
                self.spent += now() - sum(counted()) - before

        setattr(owner, name, watched)


def serve(begin: int, places: bool, arguments: list[str]) -> None:
    """The child: trains, and prints where the time went, in seconds; with *places*, also which Python it was."""
    from cortado.cli import program
    from cortado.engines.native import _kernels
    from cortado.layers.data_base import DataLayer
    from cortado.solver.solver import Solver

    _kernels.count_time(True)
    clock = watch_places(begin) if places else None
    data = Stopwatch(_kernels.counted_time, DataLayer, "forward")
    marks: list[tuple[int, int, dict[str, int]]] = []
    solve = Solver.solve

    def mark(inside: str) -> None:
        if clock is not None:
            clock.move()
            clock.inside[0] = inside
        good = sum(_kernels.counted_time()) + data.spent
        marks.append((time.perf_counter_ns(), good, dict(clock.places) if clock is not None else {}))

    def solved(*given: Any, **named: Any) -> None:
        mark("the loop")
        solve(*given, **named)
        mark("end")

    Solver.solve = solved  # type: ignore[method-assign]
    program(["train", *arguments], standalone_mode=False)
    (first, good, before), (last, good_then, after) = marks
    print(
        json.dumps(
            {
                "places": {name: (spent - before.get(name, 0)) / 1e9 for name, spent in after.items()},
                "training": (good_then - good) / 1e9,
                "command": (sum(_kernels.counted_time()) + data.spent) / 1e9,
                "wall": (last - first) / 1e9,
            }
        )
    )


def watch_places(begin: int) -> Clock:
    """A clock that all places move."""
    from cortado.data import prefetch
    from cortado.engines.native import _kernels
    from cortado.layers.data_base import DataLayer
    from cortado.netdef.net import Net
    from cortado.solver import run
    from cortado.solver.attempt import Attempt
    from cortado.solver.solver import Solver
    from cortado.solver.watchdog import Watchdog

    clock = Clock(_kernels.counted_time, begin)
    clock.watch(run.Run, "_iterate", "the loop")
    clock.watch(Net, "forward", "forward")
    clock.watch(Net, "backward", "backward")
    clock.watch(Net, "clear_param_diffs", "clearing gradients")
    clock.watch(DataLayer, "forward", DATA[1])
    clock.watch(prefetch._Worker, "take", DATA[0])
    clock.watch(run, "apply_update", "update")
    clock.watch(Attempt, "begin_iteration", "noting the state")
    clock.watch(Solver, "notify", "callbacks and log")
    clock.watch(Solver, "snapshot", "snapshots")
    clock.watch(Solver, "test", "tests")
    for name in ("check_loss", "check_update", "check_weights"):
        clock.watch(Watchdog, name, "watchdog")
    return clock


def run_once(arguments: list[str]) -> Figures:
    """One round: the figures of the first child, with the ``places`` of the second, which took ``places_wall``."""
    told = run_child(arguments, places=True)
    return run_child(arguments) | {"places": told["places"], "places_wall": told["wall"]}


def run_child(arguments: list[str], places: bool = False) -> Figures:
    """The child's figures, and ``shares``, of the training and of the whole command."""
    begin = time.perf_counter_ns()
    command = [sys.executable, __file__, "--serve", str(begin), "places" if places else "", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    whole = (time.perf_counter_ns() - begin) / 1e9
    if done.returncode or not done.stdout:
        raise SystemExit(done.stderr)
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    found["whole"] = whole
    found["shares"] = {"training": found["training"] / found["wall"], "command": found["command"] / whole}
    return found


def lenet(folder: Path, place: Path, iterations: int) -> list[str]:
    """What trains the example LeNet on the MNIST files in *folder*, with databases and a solver made in *place*."""
    cortado = [sys.executable, "-m", "cortado"]
    subprocess.run([*cortado, "convert-mnist", str(folder), str(place)], check=True, capture_output=True)
    for name in ("lenet.prototxt", "solver.prototxt"):
        text = (ROOT / "examples" / "mnist" / name).read_text()
        (place / name).write_text(text.replace("examples/mnist/", f"{place}/"))
    return [str(place / "solver.prototxt"), "--iterations", str(iterations)]


def report(name: str, rounds: list[Figures]) -> None:
    shares = {what: median(r["shares"][what] for r in rounds) for what in rounds[0]["shares"]}
    wall, whole = (median(r[what] for r in rounds) for what in ("wall", "whole"))
    print(f"\n{name}: {shares['training']:.1%} of {wall:.2f} s of training in kernels or data")
    print(
        f"  {shares['command']:.1%} of {whole:.2f} s of the whole command, of which {whole - wall:.2f} s start and end"
    )
    wall = median(r["places_wall"] for r in rounds)
    print(f"  where the clock is looked at in every place, of {wall:.2f} s")
    places = {place for r in rounds for place in r["places"]} - {"start"}
    medians = {place: median(r["places"].get(place, 0) for r in rounds) for place in places}
    for place, spent in sorted(medians.items(), key=lambda row: -row[1]):
        print(f"  {place:22} {spent:8.4f} s {spent / wall:6.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="a folder with the four MNIST files; without it only digits is run")
    parser.add_argument("--iterations", type=int, default=1000, help="of LeNet (1000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="as of cortado train")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--serve", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(int(options.serve[0]), bool(options.serve[1]), options.serve[2:])
        return
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    figures: dict[str, list[Figures]] = {}
    with tempfile.TemporaryDirectory() as folder:
        runs = {"digits": [*DIGITS, "--set", f"snapshot_prefix={folder}/digits"]}
        if options.mnist is not None:
            runs["LeNet on MNIST"] = lenet(options.mnist.absolute(), Path(folder), options.iterations)
        for name, arguments in runs.items():
            more = ["--threads", str(options.threads)] if options.threads else []
            run_once([*runs["digits"], *more])  # so that files and bytecode are there
            figures[name] = [run_once([*arguments, *more]) for _ in range(options.rounds)]
            report(name, figures[name])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
