"""Training step and inference of whole nets, Cortado against others, interleaved in one run.

    python benchmarks/nets.py                            # all nets, training and inference
    python benchmarks/nets.py lenet vgg16 --modes train --rounds 15
    python benchmarks/nets.py --python caffe=/path/to/python/with/pycaffe
    python benchmarks/nets.py --from nets.json --plot nets.svg      # draw an earlier run, measure nothing

Each contender lives in a process of its own and does one round at a time, in turn, so that what else the machine does
meets all alike; the figures are medians over the rounds, in milliseconds, and ratios to the best of the others. Peak
memory is the process's largest resident size beyond what it had before the model was made. A contender whose library
is missing is left out and named; Caffe takes part where an interpreter with pycaffe is named. Ratios are to the best of
the others without Caffe, which has a ratio of its own.

On a machine that is busy with other things, ``--busy`` compares what one thread computes: every library gets one, and
the clock is that thread's own processor time, which stands still while others have the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from statistics import geometric_mean, median
from typing import Dict  # noqa: UP035

ROOT = Path(__file__).resolve().parent.parent
NETS = ["lenet", "cifar10_full", "caffenet", "squeezenet", "googlenet", "mobilenet", "resnet50", "vgg16"]
CONTENDERS = {
    "train": ["native", "pytorch", "pytorch_channels_last", "caffe"],
    "infer": ["native", "pytorch", "pytorch_channels_last", "onnxruntime_", "opencv", "caffe"],
}

PAUSE = 0.05
"""Seconds before each round, in which the threads of the contender before, which may spin for a while, go to sleep."""

Figures = Dict[str, Dict[str, Dict[str, Dict[str, float]]]]  # noqa: UP006 - an interpreter of Caffe's days runs this
"""Mode, net and contender, then ``ms`` and ``peak`` (MiB)."""


def serve(contender: str, model: str, mode: str, threads: int, busy: bool) -> None:
    """The child: makes the model, then for every number on stdin does so many steps and prints their times."""
    sys.path.insert(0, str(ROOT))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step, about = import_module(f"benchmarks.contenders.{contender}").make(model, mode, threads)
    clock = time.thread_time if busy else time.perf_counter
    step()
    print(json.dumps({"about": about}), flush=True)
    for line in sys.stdin:
        times = []
        step()  # what others did meanwhile to the caches is not counted
        for _ in range(int(line)):
            start = clock()
            step()
            times.append(1e3 * (clock() - start))
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(json.dumps({"times": times, "peak": peak}), flush=True)


class Child:
    """One contender's process."""

    def __init__(self, python: str, contender: str, model: str, mode: str, threads: int, busy: bool) -> None:
        command = [python, __file__, "--serve", contender, model, mode, str(threads), str(int(busy))]
        self.name = contender
        self.times: list[float] = []
        self.peak = 0.0
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        self.about = json.loads(line)["about"] if line else ""
        self.error = "" if line else self.process.stderr.read().strip().splitlines()[-1]

    def run(self, steps: int) -> list[float]:
        time.sleep(PAUSE)
        print(steps, file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        self.peak = answer["peak"]
        return answer["times"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(
    net: str, mode: str, names: list[str], pythons: dict[str, str], rounds: int, threads: int, busy: bool
) -> dict[str, dict[str, float]]:
    """Median time and peak memory per contender; those that cannot run are told on stderr."""
    model = str(ROOT / "examples" / "models" / f"{net}.prototxt")
    children = []
    for name in names:
        child = Child(pythons.get(name, pythons.get("", sys.executable)), name, model, mode, threads, busy)
        if child.error:
            print(f"{net}, {mode}: {name} is left out: {child.error}", file=sys.stderr)
        else:
            children.append(child)
    # So many steps a round that each lasts about 0.1 s.
    steps = {child.name: max(1, min(20, int(100 / min(child.run(2))))) for child in children}
    for _ in range(rounds):
        for child in children:
            child.times += child.run(steps[child.name])
    result = {child.name: {"ms": median(child.times), "peak": child.peak} for child in children}
    for child in children:
        child.close()
    return result


def measure(options: argparse.Namespace) -> Figures:
    pythons = dict(entry.split("=", 1) for entry in options.python)
    with_caffe = "caffe" in pythons or "CORTADO_BENCH_CAFFE" in os.environ
    threads = 1 if options.busy else options.threads
    figures: Figures = {}
    for mode in options.modes.split(","):
        names = [name for name in CONTENDERS[mode] if name in (options.contenders or CONTENDERS[mode])]
        names = [name for name in names if name != "caffe" or with_caffe]
        for net in options.nets:
            found = compare(net, mode, names, pythons, options.rounds, threads, options.busy)
            figures.setdefault(mode, {})[net] = found
            print(f"{mode} {net}: done", file=sys.stderr, flush=True)
    return figures


def report(mode: str, found: dict[str, dict[str, dict[str, float]]]) -> None:
    print(f"\n{mode}: milliseconds (MiB), and the ratio of Cortado to the best of the others")
    ratios: dict[str, list[float]] = {"ratio": [], "to Caffe": []}
    for net, values in found.items():
        cells = [f"{name} {value['ms']:.1f} ({value['peak']:.0f})" for name, value in values.items()]
        others = [value["ms"] for name, value in values.items() if name not in ("native", "caffe")]
        against = {"ratio": min(others, default=0), "to Caffe": values.get("caffe", {"ms": 0})["ms"]}
        for words, other in against.items():
            if other and "native" in values:
                ratios[words].append(values["native"]["ms"] / other)
                cells.append(f"{words} {ratios[words][-1]:.2f}")
        print(f"  {net:13}", " | ".join(cells))
    for words, all_of_them in ratios.items():
        if all_of_them:
            print(f"  geometric mean, {words}: {geometric_mean(all_of_them):.2f}, largest {max(all_of_them):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=NETS)
    parser.add_argument("--modes", default="train,infer")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0, help="0: each library's own choice")
    parser.add_argument("--busy", action="store_true", help="one thread each, by its own processor time")
    parser.add_argument("--python", action="append", default=[], metavar="CONTENDER=PATH")
    parser.add_argument("--contenders", nargs="+", help="only these of " + ", ".join(CONTENDERS["infer"]))
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--from", dest="source", type=Path, help="read figures that --json wrote, measure nothing")
    parser.add_argument("--plot", type=Path, help="draw times and memory there: .svg, .png or .pdf (needs matplotlib)")
    parser.add_argument("--serve", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        contender, model, mode, threads, busy = options.serve
        serve(contender, model, mode, int(threads), busy == "1")
        return
    figures = json.loads(options.source.read_text()) if options.source else measure(options)
    for mode, found in figures.items():
        report(mode, found)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if options.plot:
        sys.path.insert(0, str(ROOT))
        from benchmarks.plots import plot_nets

        plot_nets(figures, options.plot)


if __name__ == "__main__":
    main()
