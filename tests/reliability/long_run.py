"""See that a long run does not grow: train a solver and print the memory of the process along the way.

    python tests/reliability/long_run.py examples/mnist/solver.prototxt --iterations 30000

The first third is for warming up; over the rest the memory of the process may grow by 1 % at most, and what Python
holds by one block in a hundred iterations. Tests and displays fall due as the solver file says, snapshots every 1000
iterations, in a folder that is removed. Memory is always looked at right after a snapshot: what writing it took is not
given back to the system at once, so that figures of other moments are half a MiB lower. One step of half a MiB is to be
expected: Python's table of interned strings is laid out anew when the names of enough snapshots have passed through
it. The exit status is 1 if the memory grew.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from pathlib import Path

from cortado import Solver
from cortado.solver.callbacks.retention import Retention

SNAPSHOT = 1000
"""Iterations between two snapshots."""
MOST_GROWTH, MOST_BLOCKS = 0.01, 0.01
"""Of the memory of the process, and blocks per iteration; a list of losses would take one or two."""


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
        fields = {"snapshot_prefix": f"{folder}/run", "max_iter": arguments.iterations, "snapshot": SNAPSHOT}
        solver = Solver(arguments.solver, engine=arguments.engine, fields=fields, callbacks=[Retention(last=2)])
        step = max(1, arguments.iterations // 12 // SNAPSHOT) * SNAPSHOT
        seen, begin = [], time.monotonic()
        while solver.iteration + step <= arguments.iterations:
            solver.step(step)
            size = resident()
            gc.collect()
            seen.append((solver.iteration, size, sys.getallocatedblocks()))
            seconds = time.monotonic() - begin
            print(
                f"{solver.iteration:8} iterations, {seconds:6.0f} s, {size:7.1f} MiB, {seen[-1][2]:,} blocks",
                flush=True,
            )
        (start, least, few), (end, most, many) = seen[len(seen) // 3], seen[-1]
        growth, blocks = most / least - 1, (many - few) / max(1, end - start)
        told = f"memory changed by {100 * growth:.2f} %, and by {blocks:.4f} blocks of Python's per iteration"
        print(f"{told}, from iteration {start} to {end}; {solver.engine!r}; last test:")
        for result in solver.test():
            print("  " + ", ".join(f"{name} {value:.4f}" for name, value, _ in result.outputs))
    return growth > MOST_GROWTH or blocks > MOST_BLOCKS


if __name__ == "__main__":
    sys.exit(main())
