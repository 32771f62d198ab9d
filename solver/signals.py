"""Signals: Ctrl-C ends a run in good order, SIGHUP takes a snapshot."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from .attempt import StopNow

if TYPE_CHECKING:
    from .solver import Solver

EFFECTS = ("stop", "snapshot", "none")
PATIENCE = 1.0
"""Seconds that the iteration or test batch that is going on gets to end, before it is abandoned."""
AGAIN = 0.25
"""Seconds after which it is told so again, if a layer has caught what it was told."""


@contextmanager
def handle_signals(solver: Solver, sigint: str = "stop", sighup: str = "snapshot") -> Iterator[None]:
    """While the block runs, SIGINT and SIGHUP have the given effect on *solver*; SIGTERM stops it.

    Effects: ``stop`` ends the run after the iteration or test batch that is going on, or if that takes longer than a
    second without finishing it, as if it had not begun; the run then writes its snapshot. ``snapshot`` writes one and
    goes on; ``none`` does nothing. A second SIGINT ends the program at once. Only the main thread can do this.
    """
    wanted = {"SIGINT": sigint, "SIGHUP": sighup, "SIGTERM": "stop"}
    before: dict[Any, Any] = {}
    for name, effect in wanted.items():
        number = getattr(signal, name, None)
        if number is not None:
            before[number] = signal.signal(number, _handler(solver, effect))
    timed = hasattr(signal, "setitimer")
    if timed:
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, _alarm(solver))
    alone = solver.parallel.world == 1  # others would wait for what is given up
    attempt = solver.run.attempt
    attempt.interruptible = timed and alone
    try:
        yield
    finally:
        attempt.interruptible = False
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _handler(solver: Solver, effect: str) -> Any:
    def handle(number: int, frame: FrameType | None) -> None:
        if effect == "snapshot":
            solver.request_snapshot()
        elif effect == "stop":
            if solver.stopped and number == signal.SIGINT:
                raise KeyboardInterrupt
            solver.interrupted = True
            solver.request_stop()
            if solver.run.attempt.interruptible:
                signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    return handle


def _alarm(solver: Solver) -> Any:
    def handle(number: int, frame: FrameType | None) -> None:
        if solver.run.attempt.busy and solver.stopped:
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
            raise StopNow

    return handle
