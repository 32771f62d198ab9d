"""Single layers, Cortado against others, interleaved in one run: every distinct layer of the benchmark nets.

    python benchmarks/layers.py                                  # all nets
    python benchmarks/layers.py lenet resnet50 --types Convolution Pooling --json layers.json --plot layers.svg
    python benchmarks/layers.py --from layers.json --markdown    # a table, or a plot, of an earlier run

Each layer of a net is taken out and run by itself on its own shapes, forward and backward (gradients of its inputs and
of what it learns), never in place. Convolution, pooling, LRN, BatchNorm with its Scale, ReLU, InnerProduct, Concat,
Eltwise and softmax take part. Each contender lives in a process of its own; for each layer they do one round at a time,
in turn, and the medians over the rounds count. Forward, Cortado and PyTorch normalize with the statistics of the batch,
ONNX Runtime and OpenCV, which only infer, with fixed ones. PyTorch's backward of a sum or a concatenation returns
views: no time, until somebody needs them.

``--busy``: one thread each, by its own processor time, for a machine that is busy with other things.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
NETS = ["lenet", "cifar10_full", "caffenet", "squeezenet", "googlenet", "mobilenet", "resnet50", "vgg16"]
CONTENDERS = ["native", "pytorch", "pytorch_channels_last", "onnxruntime_", "opencv"]
SECONDS = 0.03
"""What a round of one layer and direction takes, about, in each contender."""


def serve(contender: str, threads: int, busy: bool) -> None:
    """The child: ``{"net": path}`` makes a layer and says which passes it has; ``{"pass": …, "calls": n}`` times it."""
    from benchmarks.layer_contenders import make

    clock = time.thread_time if busy else time.perf_counter
    passes: dict[str, Any] = {}
    print("{}", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "net" in asked:
            try:
                passes = make(contender, asked["net"], threads)
                print(json.dumps({"passes": list(passes)}), flush=True)
            except Exception as error:  # whatever a library raises
                print(json.dumps({"passes": [], "error": f"{type(error).__name__}: {error}"}), flush=True)
            continue
        call, times = passes[asked["pass"]], []
        for _ in range(asked["calls"]):
            start = clock()
            call()
            times.append(1e3 * (clock() - start))
        print(json.dumps(times), flush=True)


class Child:
    """One contender's process."""

    def __init__(self, name: str, python: str, threads: int, busy: bool) -> None:
        self.name = name
        command = [python, __file__, "--serve", name, str(threads), str(int(busy))]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.process.stdout.readline()

    def ask(self, **question: Any) -> Any:
        print(json.dumps(question), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of {self.name} has ended")
        return json.loads(line)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(case: Any, children: list[Child], rounds: int) -> dict[str, dict[str, float]]:
    """Median milliseconds by direction and contender."""
    result: dict[str, dict[str, float]] = {"forward": {}, "backward": {}}
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(case.text)
        file.flush()
        passes = {}
        for child in children:
            answer = child.ask(net=file.name)
            passes[child.name] = answer["passes"]
            if "error" in answer:
                print(f"{case.net}, {case.name}: {child.name} is left out: {answer['error'][:120]}", file=sys.stderr)
    for direction, figures in result.items():
        able = [child for child in children if direction in passes[child.name]]
        first = {child.name: min(child.ask(**{"pass": direction, "calls": 3})) for child in able}
        calls = {name: max(1, min(100, int(1e3 * SECONDS / max(ms, 1e-3)))) for name, ms in first.items()}
        times: dict[str, list[float]] = {child.name: [] for child in able}
        for _ in range(rounds):
            for child in able:
                times[child.name] += child.ask(**{"pass": direction, "calls": calls[child.name]})
        figures.update({name: median(values) for name, values in times.items()})
    return result


def ratio(figures: dict[str, float]) -> float:
    """Cortado's time by that of the best of the others; NaN where there is none."""
    others = [ms for name, ms in figures.items() if name != "native"]
    return figures["native"] / min(others) if others and "native" in figures else math.nan


def table(rows: list[dict[str, Any]], markdown: bool) -> str:
    """One line a layer; after each net the geometric means of its ratios, by direction."""
    head = ["layer", "sizes", "times"]
    for direction in ("forward", "backward"):
        names = [n for n in CONTENDERS if any(n in row["ms"][direction] for row in rows)]
        head += [f"{direction} {n.strip('_')}" if n != "native" else f"{direction} ms" for n in names] + ["ratio"]
    lines = []
    for net in dict.fromkeys(row["net"] for row in rows):
        group = [row for row in rows if row["net"] == net]
        lines.append([f"**{net}**" if markdown else f"{net}:", *[""] * (len(head) - 1)])
        lines += [_cells(row, rows) for row in group]
    cells = [head, *lines]
    if markdown:
        cells.insert(1, ["---"] * 2 + ["---:"] * (len(head) - 2))
        text = "\n".join(f"| {' | '.join(row)} |" for row in cells)
    else:
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        text = "\n".join(
            "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in cells
        )
    return f"{text}\n\n{_means(rows)}"


def _cells(row: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    cells = [f"{row['kind']} {row['name']}", row["words"], str(row["times"])]
    for direction, figures in row["ms"].items():
        names = [n for n in CONTENDERS if any(n in other["ms"][direction] for other in rows)]
        cells += [f"{figures[n]:.3f}" if n in figures else "" for n in names]
        value = ratio(figures)
        cells.append("" if math.isnan(value) else f"{value:.2f}")
    return cells


def _means(rows: list[dict[str, Any]]) -> str:
    lines = ["Geometric means of the ratios to the best of the others, each distinct layer once:"]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        parts = []
        for direction in ("forward", "backward"):
            values = [ratio(row["ms"][direction]) for row in rows if row["kind"] == kind]
            known = [value for value in values if not math.isnan(value)]
            if known:
                parts.append(f"{direction} {geometric_mean(known):.2f}, largest {max(known):.2f}")
        lines.append(f"  {kind:18} {len([r for r in rows if r['kind'] == kind]):3}  {'; '.join(parts)}")
    return "\n".join(lines)


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    from benchmarks.layer_cases import layer_cases

    pythons = dict(entry.split("=", 1) for entry in options.python)
    threads = 1 if options.busy else options.threads
    children = [Child(n, pythons.get(n, sys.executable), threads, options.busy) for n in options.contenders]
    rows = []
    for net in options.nets:
        for case in layer_cases(str(ROOT / "examples" / "models" / f"{net}.prototxt"), net):
            if not options.types or case.kind.split()[0] in options.types:
                rows.append(case.told() | {"ms": compare(case, children, options.rounds)})
    for child in children:
        child.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=NETS)
    parser.add_argument("--types", nargs="+", default=[], help="only these layer types")
    parser.add_argument("--contenders", nargs="+", default=CONTENDERS, choices=CONTENDERS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0: each library's own choice")
    parser.add_argument("--busy", action="store_true", help="one thread each, by its own processor time")
    parser.add_argument("--python", action="append", default=[], metavar="CONTENDER=PATH")
    parser.add_argument("--markdown", action="store_true", help="a table in Markdown")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--from", dest="source", type=Path, help="read figures that --json wrote, measure nothing")
    parser.add_argument("--plot", type=Path, help="draw the ratios there: .svg, .png or .pdf (needs matplotlib)")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        contender, threads, busy = options.serve
        serve(contender, int(threads), busy == "1")
        return
    rows = json.loads(options.source.read_text()) if options.source else measure(options)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.plot:
        from benchmarks.plots import plot_layers

        plot_layers(rows, options.plot)
    print(table(rows, options.markdown))


if __name__ == "__main__":
    main()
