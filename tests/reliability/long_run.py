"""See that a long run does not grow: train a solver and print the memory of the process along the way.

    python tests/reliability/long_run.py examples/mnist/solver.prototxt --iterations 30000

The first third is for warming up; over the rest the memory may grow by 1 % at most. Tests, displays and snapshots fall
due as the solver file says, the snapshots in a folder that is removed. The exit status is 1 if the memory grew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from cortado import Solver
from cortado.solver.callbacks.retention import Retention


def resident() -> float:
    """MiB of memory that the process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("solver")
    parser.add_argument("--iterations", type=int, default=30_000)
    parser.add_argument("--engine", default="auto")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fields = {"snapshot_prefix": f"{folder}/run", "max_iter": arguments.iterations, "snapshot": 1000}
        solver = Solver(arguments.solver, engine=arguments.engine, fields=fields, callbacks=[Retention(last=2)])
        step = max(1, arguments.iterations // 12)
        sizes, begin = [], time.monotonic()
        while solver.iteration < arguments.iterations:
            solver.step(min(step, arguments.iterations - solver.iteration))
            sizes.append(resident())
            print(
                f"{solver.iteration:8} iterations, {time.monotonic() - begin:6.0f} s, {sizes[-1]:7.1f} MiB", flush=True
            )
        rest = sizes[len(sizes) // 3 :]
        growth = rest[-1] / rest[0] - 1
        print(f"memory changed by {100 * growth:.2f} % over the last two thirds; {solver.engine!r}; last test:")
        for result in solver.test():
            print("  " + ", ".join(f"{name} {value:.4f}" for name, value, _ in result.outputs))
    return growth > 0.01


if __name__ == "__main__":
    sys.exit(main())
