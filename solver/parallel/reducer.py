"""Reducer: sums gradients over all ranks while backward is still going on."""

from __future__ import annotations

import time
from collections import defaultdict

from ...netdef.net import Net
from .base import Communicator, Pending, zeros
from .buckets import Bucket, make_buckets
from .driver import Driver
from .half import HalfSum


class Reducer:
    """Begins to reduce each bucket of *net* as soon as its gradients are complete, in a backward pass before which
    ``arm`` was called; ``finish`` waits for what is not there yet.

    Parameters: *megabytes* per bucket; *half*, to send half precision.
    Attributes: ``buckets``; ``driver``; ``waited``, seconds spent in ``finish``.
    """

    def __init__(self, net: Net, communicator: Communicator, megabytes: float = 4, half: bool = False) -> None:
        arrays = zeros if half else communicator.arrays  # what is sent in half precision is not summed where it is
        self.buckets = make_buckets(net, megabytes, communicator.size, arrays)
        self.driver = Driver(communicator)
        self.waited = self._started = 0.0
        self._sums = {id(b): HalfSum(communicator, b.flat) for b in self.buckets} if half else {}
        self._at: dict[int, list[Bucket]] = defaultdict(list)
        for bucket in self.buckets:
            self._at[bucket.ready].append(bucket)
        self._armed = False
        net.after_backward.append(self._after_step)

    @property
    def communicator(self) -> Communicator:
        """That of all sums to come."""
        return self.driver.communicator

    @communicator.setter
    def communicator(self, communicator: Communicator) -> None:
        self.driver.communicator = communicator

    @property
    def driven(self) -> float:
        """Seconds spent within backward."""
        return self._started + self.driver.seconds

    def arm(self) -> None:
        """The backward pass to come is the last of its iteration."""
        self._armed = True
        self.driver.begin()

    def start(self, bucket: Bucket) -> Pending:
        """Begin to reduce one bucket."""
        half = self._sums.get(id(bucket))
        return half.start() if half is not None else self.communicator.start_allreduce(bucket.flat)

    def _after_step(self, index: int) -> None:
        if not self._armed:
            return
        for bucket in self._at.get(index, ()):
            begin = time.perf_counter()
            self.driver.add(self.start(bucket))
            self._started += time.perf_counter() - begin
        if not self.communicator.background:
            self.driver.visit()

    def finish(self) -> None:
        """Wait until all gradients are sums over all ranks."""
        begin = time.perf_counter()
        self._armed = False
        self.driver.end()
        self.waited += time.perf_counter() - begin
