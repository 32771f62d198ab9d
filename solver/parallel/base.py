"""Communicator: how the processes of a data-parallel run reach each other."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import ClassVar, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from ...errors import CommunicationError, SolverError
from ...layers import Array
from ...plugins import ParametersClass
from .options import ParallelParameter

SPINS = 500
"""Times that a message is asked for at once, before the processor is left to others in between."""
PAUSE = 5e-5
GRACE = 2.0
"""Seconds in which the ranks that still answer tell each other so, before a run is given up."""


class Pending(Protocol):
    """A transfer that is going on."""

    def done(self) -> bool:
        """Whether it has ended; asking also drives it on."""
        ...


class Communicator:
    """Base of communicators: process ``rank`` of ``size``, with the operations that training needs.

    A subclass sets ``type``, the name in ``--communicator NAME``, and in its ``__init__``, which takes no arguments,
    ``rank`` and ``size``. It implements ``start_allreduce``, ``start_broadcast``, ``start_gather`` and ``abort``; for
    half-precision transfer also ``start_alltoall``; to name the ranks that hang, ``present``.
    Arrays are of one axis or more, contiguous, on the host. All ranks call all operations in the same order.

    Example, in a plugin::

        class Gloo(Communicator):
            type = "gloo"

            def __init__(self):
                self.rank, self.size = …

            def start_allreduce(self, array):
                return self.context.allreduce_async(array)
    """

    plugin_kind: ClassVar[str] = "communicators"
    type: ClassVar[str] = ""
    parameters: ClassVar[ParametersClass | None] = ParallelParameter

    rank: int = 0
    size: int = 1
    timeout: float = 300.0
    """Seconds that ``wait`` waits without a sign of the other ranks."""
    background: bool = False
    """Whether a thread of its own asks transfers for their ``done`` while backward goes on, at the same time as others
    are begun: where they move only when they are asked for, and need that more often than once a layer."""
    note: str = ""
    """What the log is to say about it when training starts."""

    # -- what a subclass implements -----------------------------------------------------------------------------

    def arrays(self, counts: Sequence[int], dtype: npt.DTypeLike) -> list[Array]:
        """Arrays of zeros, of so many numbers each, in memory where they are summed fast. All ranks call this."""
        return zeros(counts, dtype)

    def start_allreduce(self, array: Array) -> Pending:
        """Begin to replace *array* by its sum over all ranks, bit for bit the same on all of them."""
        raise NotImplementedError

    def start_broadcast(self, array: Array) -> Pending:
        """Begin to replace *array* by that of rank 0."""
        raise NotImplementedError

    def start_gather(self, send: Array, receive: Array) -> Pending:
        """Begin to fill *receive*, [size, n], with *send*, [n], of every rank.

        Ranks call this in the same order, but between other operations that they do not begin in the same order.
        """
        raise NotImplementedError

    def start_alltoall(self, send: Array, receive: Array) -> Pending:
        """Begin to fill row r of *receive*, [size, n], with row ``rank`` of what rank r sends."""
        raise SolverError("cannot send gradients in half precision", who=f"communicator '{self.type}'")

    def abort(self, status: int) -> NoReturn:
        """End all ranks at once, whatever they do."""
        sys.exit(status)

    def beat(self) -> None:
        """Tell the others, at most every second, that this rank is busy and alive, while they wait for it."""

    def heard(self) -> bool:
        """Whether another rank has called ``beat`` since the last time."""
        return False

    def threads(self) -> int | None:
        """How many threads a rank should compute with where nobody says: its share of the machine; None alone."""
        return None

    def present(self, seconds: float) -> set[int]:
        """The ranks that, within *seconds*, call this too."""
        return {self.rank}

    # -- what is made of it -------------------------------------------------------------------------------------

    def wait(self, pending: Pending) -> None:
        """Wait for a transfer. Errors: CommunicationError after ``timeout`` seconds without a sign of the others."""
        for _ in range(SPINS):
            if pending.done():
                return
            time.sleep(0)  # in which other threads of this process get their turn
        deadline = time.monotonic() + self.timeout
        while not pending.done():
            time.sleep(PAUSE)
            if self.heard():
                deadline = time.monotonic() + self.timeout
            elif time.monotonic() > deadline:
                raise self._silence()

    def _silence(self) -> CommunicationError:
        there = self.present(GRACE)
        silent = [str(rank) for rank in range(self.size) if rank not in there]
        who = f"rank {', '.join(silent)} of {self.size}" if silent else f"one of {self.size} ranks"
        error = CommunicationError(
            f"{who} must answer within {self.timeout:g} s",
            who=f"rank {self.rank}",
            got="nothing",
            hint="it hangs or is cut off; go on with --resume, or raise parallel_param { timeout } if it is only slow",
        )
        error.speaker = min(there) == self.rank
        return error

    def broadcast(self, array: Array) -> None:
        """Replace *array* by that of rank 0."""
        if self.size > 1 and array.size:
            self.wait(self.start_broadcast(array))

    def allreduce(self, array: Array) -> Array:
        """Replace *array* by its sum over all ranks; returns it."""
        if self.size > 1:
            self.wait(self.start_allreduce(array))
        return array

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        self.allreduce(np.zeros(1))

    def gather(self, data: bytes) -> list[bytes]:
        """What every rank gave, in the order of ranks, on every rank."""
        if self.size == 1:
            return [data]
        sizes = np.empty((self.size, 1), np.int64)
        self.wait(self.start_gather(np.array([len(data)], np.int64), sizes))
        rows = np.zeros((self.size, int(sizes.max())), np.uint8)
        own = np.zeros(rows.shape[1], np.uint8)
        own[: len(data)] = np.frombuffer(data, np.uint8)
        if own.size:
            self.wait(self.start_gather(own, rows))
        return [row[: int(size)].tobytes() for row, size in zip(rows, sizes.ravel(), strict=True)]

    def from_root(self, data: bytes) -> bytes:
        """What rank 0 gave, on every rank."""
        if self.size == 1:
            return data
        length = np.array([len(data)], np.int64)
        self.broadcast(length)
        array = np.zeros(int(length[0]), np.uint8)
        if self.rank == 0:
            array[:] = np.frombuffer(data, np.uint8)
        self.broadcast(array)
        return array.tobytes()

    def __repr__(self) -> str:
        return f"<Communicator '{self.type}' {self.rank} of {self.size}>"


def zeros(counts: Sequence[int], dtype: npt.DTypeLike) -> list[Array]:
    """Arrays of so many zeros each."""
    return [np.zeros(count, dtype) for count in counts]


def names_of(ranks: Iterable[int]) -> str:
    """``rank 3``, ``ranks 1, 3``."""
    listed = [str(rank) for rank in ranks]
    return f"rank{'s' if len(listed) > 1 else ''} {', '.join(listed)}"
