"""Training step and inference of whole nets, Cortado against others, interleaved in one run.

    python benchmarks/nets.py                            # all nets, training and inference
    python benchmarks/nets.py lenet vgg16 --modes train --rounds 15
    python benchmarks/nets.py --python pytorch=/path/to/other/venv/bin/python

Each contender lives in a process of its own and does one round at a time, in turn, so that what else the machine does
meets all alike; the figures are medians over the rounds, in milliseconds, and ratios to the best of the others. Peak
memory is the process's largest resident size beyond what it had before the model was made. A contender whose library
is missing is left out and named.

On a machine that is busy with other things, ``--busy`` compares what one thread computes: every library gets one, and
the clock is that thread's own processor time, which stands still while others have the processor.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from statistics import geometric_mean, median

ROOT = Path(__file__).resolve().parent.parent
NETS = ["lenet", "cifar10_full", "caffenet", "squeezenet", "googlenet", "mobilenet", "resnet50", "vgg16"]
CONTENDERS = {
    "train": ["native", "pytorch", "pytorch_channels_last"],
    "infer": ["native", "pytorch", "pytorch_channels_last", "onnxruntime_", "opencv"],
}


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
        print(steps, file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        self.peak = answer["peak"]
        return answer["times"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(
    net: str, mode: str, pythons: dict[str, str], rounds: int, threads: int, busy: bool
) -> dict[str, dict[str, float]]:
    """Median time and peak memory per contender; those that cannot run are told on stderr."""
    model = str(ROOT / "examples" / "models" / f"{net}.prototxt")
    children = []
    for name in CONTENDERS[mode]:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=NETS)
    parser.add_argument("--modes", default="train,infer")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0, help="0: each library's own choice")
    parser.add_argument("--busy", action="store_true", help="one thread each, by its own processor time")
    parser.add_argument("--python", action="append", default=[], metavar="CONTENDER=PATH")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--serve", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        contender, model, mode, threads, busy = options.serve
        serve(contender, model, mode, int(threads), busy == "1")
        return
    pythons = dict(entry.split("=", 1) for entry in options.python)
    figures: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for mode in options.modes.split(","):
        print(f"\n{mode}: milliseconds (MiB), and the ratio of Cortado to the best of the others")
        ratios = []
        for net in options.nets:
            found = figures.setdefault(mode, {})[net] = compare(
                net, mode, pythons, options.rounds, 1 if options.busy else options.threads, options.busy
            )
            cells = [f"{name} {value['ms']:.1f} ({value['peak']:.0f})" for name, value in found.items()]
            others = [value["ms"] for name, value in found.items() if name != "native"]
            if others and "native" in found:
                ratios.append(found["native"]["ms"] / min(others))
                cells.append(f"ratio {ratios[-1]:.2f}")
            print(f"  {net:13}", " | ".join(cells), flush=True)
        if ratios:
            print(f"  geometric mean of the ratios {geometric_mean(ratios):.2f}, largest {max(ratios):.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
