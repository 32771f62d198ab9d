"""Every kernel of the engines' table on its realistic cases: native, reference, and the floor.

    python benchmarks/kernels.py [name ...] [--markdown]

One thread, by its own processor time, so that what else the machine does matters little. The floor of a call is the
larger of its operations at the peak rate and its bytes at the rate of a copy; both rates are measured first. Where the
native engine is below its floor it does fewer operations than the definition has: Winograd's filtering.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from cortado.engines import get_engine  # noqa: E402 - after the variables that NumPy's BLAS reads
from cortado.engines.limits import Limits, measure_limits  # noqa: E402
from cortado.engines.table import KERNELS, Maker, copy_arguments, support  # noqa: E402


def seconds(call: Callable[[], Any], least: float = 0.05) -> float:
    """The best time of several calls, for at least so long."""
    call()
    best, spent, calls = float("inf"), 0.0, 0
    while calls < 3 or (spent < least and calls < 200):
        start = time.thread_time()
        call()
        took = time.thread_time() - start
        best, spent, calls = min(best, took), spent + took, calls + 1
    return best


def rows(names: list[str], limits: Limits) -> list[list[str]]:
    native, reference = get_engine("native"), get_engine("reference")
    found = []
    for name in names:
        kernel = KERNELS[name]
        for case in kernel.cases(Maker(), True):
            mine, theirs = copy_arguments(case.arguments), copy_arguments(case.arguments)
            count = kernel.operations(mine) if kernel.operations else 0
            floor = limits.floor(count, kernel.memory(mine))
            fast = seconds(lambda m=mine, name=name: getattr(native, name)(**m))
            slow = seconds(lambda t=theirs, name=name: getattr(reference, name)(**t))
            rate = f"{count / fast * 1e-9:.0f}" if count else ""
            times = [f"{1e3 * value:.3f}" for value in (floor, fast, slow)]
            found.append([name, case.label, *times, f"{fast / floor:.1f}", f"{slow / fast:.1f}", rate])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="kernels (all that are native)")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    engine = get_engine("native")
    engine.set_threads(1)  # type: ignore[attr-defined]
    limits = measure_limits(engine, time.thread_time, 0.3)
    print(f"{engine.isa}: {limits.operations * 1e-9:.0f} GFLOP/s, {limits.transfer * 1e-9:.1f} GB/s\n")
    names = options.names or [name for name, who in support(type(engine)).items() if who == "native"]
    head = ["kernel", "case", "floor ms", "native ms", "reference ms", "native/floor", "reference/native", "GFLOP/s"]
    table = [head, *rows(names, limits)]
    if options.markdown:
        table.insert(1, ["---"] * len(head))
        print("\n".join(f"| {' | '.join(row)} |" for row in table))
        return
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
