"""Repeated: a pass over a net whose blobs stay where they are is, for most layers, a list of calls of kernels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..engines import ReferenceEngine
from ..layers.blob import Storage
from .step import Step

TimedCall = tuple[Callable[[], Any], float]
"""What makes a call of a kernel, and the seconds that it took."""


class Call(NamedTuple):
    """One thing to do: *run* it; it is the whole step at place *at* of the pass, or a kernel where that is -1."""

    run: Callable[[], Any]
    at: int


class RepeatedPass:
    """Runs ``forward`` or ``backward`` (the *name*) of all *steps*, in the order in which they are given.

    When no blob has moved since the last pass, that of the steps whose layers agree (``Layer.repeats``) is taken down:
    which kernels they call, with which arrays. Passes after that make these calls at once, until a blob moves. The
    numbers are the same; what is spared are the ways through layers, blobs and arguments, that is most of the time of a
    net with small kernels.
    """

    def __init__(self, steps: Sequence[Step], name: str) -> None:
        self.steps, self.name = [step for step in steps if name == "forward" or step.runs_backward], name
        self._calls: list[Call] | None = None
        self._moves = -1

    def __call__(self) -> float:
        """One pass; returns the loss, which backward leaves at 0."""
        if self._moves != Storage.moves:
            self._calls = None
            loss = self._plain(0)
            self._moves = Storage.moves
            return loss
        if self._calls is None:
            return self._take_down()
        loss, moves = 0.0, self._moves
        for run, at in self._calls:
            if at < 0:
                run()
                continue
            loss += run() or 0.0
            if Storage.moves != moves:
                return loss + self._plain(at + 1)
        return loss

    def forget(self) -> None:
        """Take the calls down anew: layers will make other ones."""
        self._calls, self._moves = None, -1

    def _plain(self, start: int) -> float:
        loss = 0.0
        for step in self.steps[start:]:
            loss += getattr(step, self.name)() or 0.0
        return loss

    def _take_down(self) -> float:
        loss, calls = 0.0, []
        waiting: list[TimedCall] = []
        for at, step in enumerate(self.steps):
            found = None
            if self._agrees(step):
                found = _calls_of(step, self.name)
            else:
                loss += getattr(step, self.name)() or 0.0
            if found is None:
                calls += [*_chained(step, waiting), Call(getattr(step, self.name), at)]
                waiting = []
            else:
                waiting += found
        if Storage.moves == self._moves:
            self._calls = calls + (_chained(self.steps[-1], waiting) if waiting else [])
        return loss

    def _agrees(self, step: Step) -> bool:
        layer = step.layer
        if self.name == "backward":
            return layer.speaks_for_backward("repeats") and layer.repeats()
        return not step.losses and layer.speaks_for_forward("repeats") and layer.repeats()


def _chained(step: Step, waiting: Sequence[TimedCall]) -> list[Call]:
    return [Call(run, -1) for run in step.layer.engine.chain(waiting)]


class _Scribe:
    """Stands in for a layer's engine: performs its kernels, and keeps the calls.

    ``spoiled``, where the layer used anything else of the engine, or a kernel told it something.
    """

    def __init__(self, engine: ReferenceEngine) -> None:
        self._engine = engine
        self.calls: list[TimedCall] = []
        self.spoiled = False

    def __getattr__(self, name: str) -> Any:
        if not getattr(getattr(ReferenceEngine, name, None), "is_kernel", False):
            self.spoiled = True
            return getattr(self._engine, name)

        def perform(*arguments: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            call, result = self._engine.perform(name, *arguments, **named)
            self.calls.append((call, time.perf_counter() - begin))
            self.spoiled = self.spoiled or result is not None
            return result

        return perform


def _calls_of(step: Step, name: str) -> list[TimedCall] | None:
    """Run *step*; returns the calls that it made, None where they are not all that it did."""
    layer, scribe = step.layer, _Scribe(step.layer.engine)
    layer.engine, engine = scribe, layer.engine  # type: ignore[assignment]
    try:
        getattr(step, name)()
    finally:
        layer.engine = engine
    return None if scribe.spoiled else scribe.calls
