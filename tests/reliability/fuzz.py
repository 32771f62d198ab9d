"""Feed damaged and malicious files to everything that reads files, for as long as you like.

    python tests/reliability/fuzz.py --seconds 600                  # each target in turn
    python tests/reliability/fuzz.py --seconds 600 --target text
    python tests/reliability/fuzz.py --seconds 600 --guided         # led by coverage (pip install atheris)
    python tests/reliability/fuzz.py --seconds 600 --processor      # seconds of a processor, however busy it is

Cases are files of the tests, changed at random: bytes and bits, numbers, tokens and groups moved, doubled, cut, or
spliced into each other. With ``--guided``, libFuzzer keeps the cases that reach new branches of Cortado's own code and
goes on from them. Each target runs in a process with a limit of memory, and each case with one of time. Whatever is
raised must be an error of Cortado's own; a crash, a hang, or memory beyond the limit is a failure, and the case that
made it is kept in ``--keep``. Prints a line per target; the exit status is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fuzz_cases import mutate_bytes, mutate_text
from fuzz_run import Runner
from fuzz_targets import TARGETS

REACHED = re.compile(r"^#\d+\s+\w+\s+cov: (\d+) .*corp: (\d+)", re.MULTILINE)
"""What libFuzzer says whenever it has found something new, and at its end."""

MEMORY = Path("/dev/shm")
"""Files that are written over for every case would wait for a disk."""


def child(target: str, seconds: float, clock: Callable[[], float], seed: int, folder: Path) -> None:
    """Run cases until the time is over; the case that is running is in ``folder/current``."""
    corpus, run, is_text = TARGETS[target]
    others, rng = corpus(), random.Random(seed)
    mutate = mutate_text if is_text else mutate_bytes
    runner = Runner(run, folder)
    end = clock() + seconds
    while clock() < end and not runner.enough:
        runner.case(mutate(rng.choice(others), others, rng))
    runner.save()


def of_children() -> float:
    """Seconds of a processor that the processes started here have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fuzz(target: str, seconds: float, seed: int, keep: Path, guided: bool, processor: bool) -> Iterator[str]:
    """Run *target*, in a new process after each crash; yields what failed, and prints a line."""
    clock = of_children if processor else time.monotonic
    begin, end, before = time.monotonic(), clock() + seconds, of_children()
    cases, refused, crashes, slowest, memory, found = 0, 0, 0, 0.0, 0, (0, 0)
    seen: dict[str, str] = {}
    while (left := end - clock()) > 1:
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
            folder = Path(name)
            command = [sys.executable, __file__, "--child", target, "--seconds", str(left), "--seed", str(seed)]
            command += ["--keep", name]
            command += ["--guided"] * guided + ["--processor"] * processor
            process = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            seed += 1
            counts = json.loads((folder / "counts").read_text()) if (folder / "counts").exists() else {}
            cases, refused = cases + counts.get("cases", 0), refused + counts.get("refused", 0)
            slowest, memory = max(slowest, counts.get("slowest", 0)), max(memory, counts.get("memory", 0))
            found = max([found, *((int(a), int(b)) for a, b in REACHED.findall(process.stderr))])
            for what, case in counts.get("failed", []):
                seen.setdefault(what, case)
            if process.returncode:
                crashes += 1
                what = f"crash {process.returncode}: {process.stderr.strip()[-300:]}"
                case = (folder / "current").read_bytes().hex() if (folder / "current").exists() else ""
                seen.setdefault(what, case)
                if not case:
                    break
    keep.mkdir(parents=True, exist_ok=True)
    for index, (what, case) in enumerate(seen.items()):
        (keep / f"{target}_{index}").write_bytes(bytes.fromhex(case))
        yield f"{target}_{index}: {what}"
    spent, seconds = of_children() - before, time.monotonic() - begin
    row = f"{cases:9,} cases, {refused:9,} refused, {len(seen)} kinds of failure, {crashes} crashes"
    reached = f", {found[0]} branches, {found[1]} cases kept" if guided else ""
    row = f"{row}, slowest {slowest:.2f} s, {memory} MiB{reached}"
    print(f"{target:8} {seconds:5.0f} s ({spent:.0f} s of a processor) {row}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="per target")
    parser.add_argument("--target", choices=list(TARGETS), action="append")
    parser.add_argument("--guided", action="store_true", help="led by coverage; needs atheris")
    parser.add_argument("--processor", action="store_true", help="count seconds of a processor, not of the clock")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    if options.child:
        if options.guided:
            from fuzz_guided import guided as child_of
        else:
            child_of = child
        clock = time.process_time if options.processor else time.monotonic
        child_of(options.child, options.seconds, clock, seed, options.keep)
        return 0
    failures = [
        failure
        for target in options.target or TARGETS
        for failure in fuzz(target, options.seconds, seed, options.keep, options.guided, options.processor)
    ]
    for failure in failures:
        print(failure)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
