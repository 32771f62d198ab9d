"""Driver: keeps transfers going while the processor computes."""

from __future__ import annotations

import threading
import time

from .base import Communicator, Pending

PAUSE = 5e-4
"""Seconds that the thread sleeps between two visits, by the threads that compute, so that it takes little from them."""
BURST = 16
"""Questions of one visit: each moves some tens of kilobytes over TCP."""


class Driver:
    """Asks for transfers, the oldest first, until one is not there: in a thread of its own where *communicator* wants
    one (``background``), else whenever ``visit`` is called.

    Those behind the oldest are not asked for, so all ranks begin the second halves of a ``HalfSum`` in one order.

    Attributes: ``pending``; ``seconds`` spent asking, before ``end``.
    """

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator
        self.pending: list[Pending] = []
        self.seconds = 0.0
        self._lock, self._work = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Forget what was pending."""
        with self._lock:
            self.pending.clear()
            self._error = None

    def add(self, pending: Pending) -> None:
        """One more, that has begun."""
        self.pending.append(pending)
        if self.communicator.background:
            if self._thread is None:
                pause = PAUSE / max(1, self.communicator.threads() or 1)
                self._thread = threading.Thread(target=self._run, args=[pause], name="transfers", daemon=True)
                self._thread.start()
            self._work.set()

    def visit(self, times: int = 1) -> None:
        """Ask so often."""
        begin = time.perf_counter()
        for _ in range(times):
            while self.pending and self.pending[0].done():
                del self.pending[0]
            if not self.pending:
                break
        self.seconds += time.perf_counter() - begin

    def end(self) -> None:
        """Wait for all. Errors: those of the transfers."""
        with self._lock:
            if self._error is not None:
                raise self._error
            for pending in self.pending:
                self.communicator.wait(pending)
            self.pending.clear()

    def _run(self, pause: float) -> None:
        while self._work.wait():
            self._work.clear()  # before the look at what there is, so that nothing added later is overlooked
            with self._lock:
                try:
                    self.visit(BURST)
                except BaseException as error:  # it belongs to the main thread
                    self._error = error
                    self.pending.clear()
                if self.pending:
                    self._work.set()
            time.sleep(pause)
