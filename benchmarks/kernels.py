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

import numpy as np  # noqa: E402 - after the variables that its BLAS reads

from cortado.engines import Engine, get_engine  # noqa: E402
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


def peak_rate(engine: Engine) -> float:
    """Operations per second of the best matrix product found: what the processor can do, all but a few per cent."""
    rates = []
    for m, n, k in ((448, 1024, 384), (896, 2048, 768), (1024, 1024, 1024)):
        a, b, c = (np.ones(shape, np.float32) for shape in ((m, k), (k, n), (m, n)))
        call = lambda a=a, b=b, c=c: engine.gemm(a, b, c, False, False, 1.0, 0.0)  # noqa: E731
        rates.append(2 * m * n * k / seconds(call, 0.3))
    return max(rates)


def copy_rate() -> float:
    """Bytes per second, read and written, of a long copy."""
    source, target = np.ones(16 << 20, np.float32), np.zeros(16 << 20, np.float32)
    return 2 * source.nbytes / seconds(lambda: np.copyto(target, source), 0.3)


def rows(names: list[str], operations: float, transfer: float) -> list[list[str]]:
    native, reference = get_engine("native"), get_engine("reference")
    found = []
    for name in names:
        kernel = KERNELS[name]
        for case in kernel.cases(Maker(), True):
            mine, theirs = copy_arguments(case.arguments), copy_arguments(case.arguments)
            count = kernel.operations(mine) if kernel.operations else 0
            floor = max(count / operations, kernel.memory(mine) / transfer)
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
    operations, transfer = peak_rate(engine), copy_rate()
    print(f"{engine.isa}: {operations * 1e-9:.0f} GFLOP/s, {transfer * 1e-9:.1f} GB/s\n")
    names = options.names or [name for name, who in support(type(engine)).items() if who == "native"]
    head = ["kernel", "case", "floor ms", "native ms", "reference ms", "native/floor", "reference/native", "GFLOP/s"]
    table = [head, *rows(names, operations, transfer)]
    if options.markdown:
        table.insert(1, ["---"] * len(head))
        print("\n".join(f"| {' | '.join(row)} |" for row in table))
        return
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
