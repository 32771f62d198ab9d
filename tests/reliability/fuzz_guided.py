"""Cases led by coverage: libFuzzer (atheris) watches Cortado's modules, and cases change as without it, too."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from fuzz_cases import mutate_bytes, mutate_text
from fuzz_run import Runner
from fuzz_targets import TARGETS

SOURCE = Path(__file__).parents[2] / "src"
LONGEST = 2**16
"""Bytes of a case."""


def guided(target: str, seconds: float, clock: Callable[[], float], seed: int, folder: Path) -> None:
    """Run cases until the time is over, starting from the files of *target*; the process then ends.

    Half of the cases are made by libFuzzer, half as without guidance, from what has been kept so far.
    """
    import atheris

    corpus, run, is_text = TARGETS[target]
    mutate = mutate_text if is_text else mutate_bytes
    start = folder / "corpus"
    start.mkdir()
    # the finder of an editable install would load modules as they are
    sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("_editable")]
    sys.path.insert(0, str(SOURCE))
    with atheris.instrument_imports(include=["cortado"]):
        others = [case for case in corpus() if len(case) <= LONGEST]
        runner = Runner(run, folder)
        for index, case in enumerate(others):
            (start / f"{index:04d}").write_bytes(case)
            runner.case(case)  # modules that are loaded when they are needed: now, while they are instrumented
        runner.counts["slowest"] = 0.0

    end = clock() + seconds

    def one(data: bytes) -> None:
        runner.case(data)
        if runner.enough or clock() > end:
            runner.save()
            os._exit(0)  # any other way out counts as a crash

    def change(data: bytes, most: int, number: int) -> bytes:
        rng = random.Random(number)
        if rng.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        return mutate(data, others, rng)[:most]

    # the runner has limits of its own; a timeout of 0 would end every case that takes a second of the clock
    options = {"max_len": LONGEST, "seed": seed % 2**31 + 1, "rss_limit_mb": 0, "timeout": 10**6, "len_control": 0,
               "artifact_prefix": f"{folder}/"}  # fmt: skip
    arguments = [sys.argv[0], str(start), *(f"-{name}={value}" for name, value in options.items())]
    atheris.Setup(arguments, one, custom_mutator=change)
    atheris.Fuzz()
