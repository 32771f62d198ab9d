"""Attempt: an iteration, or a test, that can be given up in its middle, as if it had not begun."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..layers import Array, Blob
from .run_state import run_state_of

if TYPE_CHECKING:
    from ..netdef.net import Net
    from .solver import Solver


class StopNow(BaseException):
    """Raised within a forward or backward pass that takes too long to be waited for when the run is to stop."""


class Attempt:
    """What is known of the iteration or test that is going on.

    ``interruptible``: whether somebody may raise StopNow, as ``handle_signals`` does; ``busy``: whether he may now;
    ``held``: the state of the run before what is going on, or was given up.
    """

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.interruptible = self.busy = False
        self.held: dict[str, Any] | None = None
        self._frozen: list[tuple[Blob, Array]] = []

    def begin_iteration(self) -> None:
        """Remember where the run is, if it may come to that: its state and the statistics that forward changes."""
        if self.interruptible:
            self.held = run_state_of(self.solver)
            layers = self.solver.net.layers
            statistics = [blob for x in layers for i, blob in enumerate(x.blobs) if i in x.frozen]
            self._frozen = [(blob, blob.data.copy()) for blob in statistics]
        self.busy = self.interruptible

    def begin_test(self) -> None:
        """Remember where the run is."""
        self.held = run_state_of(self.solver)
        self._frozen = []
        self.busy = self.interruptible

    def end(self) -> None:
        """What went on is done."""
        self.busy = False
        self.held = None

    def give_up(self) -> None:
        """Be as before; a snapshot has the state that was held."""
        self.busy = False
        for blob, values in self._frozen:
            blob.data[...] = values

    def undo_test(self) -> None:
        """End a test that did not come to its end, and let the next one begin where it began."""
        held = self.held or {}
        self.end()
        _restore(self.solver.test_nets, held["nets"][1:])

    def take_up(self) -> None:
        """Go on after something was given up, in a new run of the loop."""
        if self.held is not None:
            held, self.held = self.held, None
            _restore((self.solver.net, *self.solver.test_nets), held["nets"])

    def state(self) -> dict[str, Any]:
        """The state of the run that a snapshot has now."""
        return self.held or run_state_of(self.solver)

    @contextmanager
    def not_now(self) -> Iterator[None]:
        """While the block runs, nobody may raise StopNow."""
        self.busy, before = False, self.busy
        yield
        self.busy = before


def _restore(nets: Sequence[Net], states: Any) -> None:
    for net, state in zip(nets, states, strict=True):
        net.restore_run_state(state)
