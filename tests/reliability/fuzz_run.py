"""One case of the fuzzer after the other, within limits, and what came of them."""

from __future__ import annotations

import json
import resource
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

MEMORY = 3 * 2**30
"""Bytes of address space that a process may have."""
LIMIT = 10.0
"""Seconds of processor time for one case."""
MOST = 50
"""Failures after which a process ends."""


class Runner:
    """Calls *run* with cases and a file that it may write. In *folder* are ``current``, the case that is running, and
    ``counts``, the figures so far."""

    def __init__(self, run: Callable[[bytes, Path], None], folder: Path) -> None:
        self.run, self.folder = run, folder
        self.counts: dict[str, Any] = {"cases": 0, "refused": 0, "slowest": 0.0, "failed": []}
        self.seen: set[str] = set()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGVTALRM, _too_long)

    @property
    def enough(self) -> bool:
        return len(self.seen) > MOST

    def case(self, case: bytes) -> None:
        from cortado.errors import CortadoError

        (self.folder / "current").write_bytes(case)
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
        try:
            self.run(case, self.folder / "file")
        except CortadoError:
            self.counts["refused"] += 1
        except Exception as error:
            self._failed(error, case)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.counts["cases"] += 1
        self.counts["slowest"] = max(self.counts["slowest"], time.process_time() - begin)
        if self.counts["cases"] % 50 == 0:
            self.save()

    def save(self) -> None:
        self.counts["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        written = self.folder / "counts.new"
        written.write_text(json.dumps(self.counts))
        written.rename(self.folder / "counts")

    def _failed(self, error: Exception, case: bytes) -> None:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
        if where not in self.seen:
            self.seen.add(where)
            self.counts["failed"].append([f"{where}: {str(error)[:200]}", case.hex()])
            self.save()


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"a case took more than {LIMIT:g} s")
