"""Attempt: an iteration, or a test, that can be given up in its middle, as if it had not begun."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
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
    ``held``: of each net that moves on in what is going on, or was given up, the state before it; ``given_up``: whether
    it was.
    """

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.interruptible = self.busy = self.given_up = False
        self.held: dict[int, list[dict[str, Any]]] = {}
        self._frozen: list[tuple[Blob, Array]] = []

    @cached_property
    def _statistics(self) -> list[Blob]:
        """What a forward pass changes of the learned blobs."""
        return [blob for layer in self.solver.net.layers for i, blob in enumerate(layer.blobs) if i in layer.frozen]

    @property
    def _nets(self) -> Sequence[Net]:
        return (self.solver.net, *self.solver.test_nets)

    def begin_iteration(self) -> None:
        """Remember where the run is, if it may come to that: its state and the statistics that forward changes."""
        if self.interruptible:
            self.held = {0: self.solver.net.run_state()}
            self._frozen = [(blob, blob.data.copy()) for blob in self._statistics]
        self.busy = self.interruptible

    def begin_test(self) -> None:
        """Remember where the run is."""
        self.held = {index: net.run_state() for index, net in enumerate(self._nets) if index}
        self._frozen = []
        self.busy = self.interruptible

    def end(self) -> None:
        """What went on is done."""
        self.busy = self.given_up = False
        self.held = {}

    def give_up(self) -> None:
        """Be as before; a snapshot has the state that was held. Data layers are not moved back yet, as that would wait
        for threads that read."""
        self.busy, self.given_up = False, True
        for blob, values in self._frozen:
            blob.data[...] = values

    def take_up(self) -> None:
        """Go on after something was given up: in a new run of the loop, or in a test of its own."""
        held, self.held, self.given_up = self.held, {}, False
        for index, state in held.items():
            self._nets[index].restore_run_state(state)

    def state(self) -> dict[str, Any]:
        """The state of the run that a snapshot has now."""
        state = run_state_of(self.solver)
        return {**state, "nets": [self.held.get(index, net) for index, net in enumerate(state["nets"])]}

    @contextmanager
    def not_now(self) -> Iterator[None]:
        """While the block runs, nobody may raise StopNow."""
        self.busy, before = False, self.busy
        yield
        self.busy = before
