"""Reducer: sums gradients over all ranks while backward is still going on."""

from __future__ import annotations

import time
from collections import defaultdict

from ...netdef.net import Net
from .base import Communicator, Pending
from .buckets import Bucket, make_buckets
from .half import HalfSum


class Reducer:
    """Begins to reduce each bucket of *net* as soon as its gradients are complete, in a backward pass before which
    ``arm`` was called; ``finish`` waits for what is not there yet.

    Parameters: *megabytes* per bucket; *half*, to send half precision.
    Attributes: ``buckets``; ``waited``, seconds spent in ``finish``; ``driven``, seconds spent within backward.
    """

    def __init__(self, net: Net, communicator: Communicator, megabytes: float = 4, half: bool = False) -> None:
        self.communicator = communicator
        self.buckets = make_buckets(net, megabytes, communicator.size)
        self.waited = self.driven = 0.0
        self._sums = {id(b): HalfSum(communicator, b.flat) for b in self.buckets} if half else {}
        self._at: dict[int, list[Bucket]] = defaultdict(list)
        for bucket in self.buckets:
            self._at[bucket.ready].append(bucket)
        self._armed = False
        self._pending: list[Pending] = []
        net.after_backward.append(self._after_step)

    def arm(self) -> None:
        """The backward pass to come is the last of its iteration."""
        self._armed = True
        self._pending = []

    def start(self, bucket: Bucket) -> Pending:
        """Begin to reduce one bucket."""
        half = self._sums.get(id(bucket))
        pending = half.start() if half is not None else self.communicator.start_allreduce(bucket.flat)
        self._pending.append(pending)
        return pending

    def _after_step(self, index: int) -> None:
        if not self._armed:
            return
        begin = time.perf_counter()
        for bucket in self._at.get(index, ()):
            self.start(bucket)
        self._drive()
        self.driven += time.perf_counter() - begin

    def _drive(self) -> None:
        """MPI moves data only while it is called: ask for the oldest transfers until one is not there.

        Those behind it are not asked for, so that all ranks begin the second halves of ``HalfSum`` in one order.
        """
        while self._pending and self._pending[0].done():
            del self._pending[0]

    def finish(self) -> None:
        """Wait until all gradients are sums over all ranks."""
        begin = time.perf_counter()
        self._armed = False
        for pending in self._pending:
            self.communicator.wait(pending)
        self._pending = []
        self.waited += time.perf_counter() - begin
