"""Prefetching: batches are made by a thread while the net computes, in the same order and with the same numbers."""

from __future__ import annotations

import atexit
import queue
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import DataError

Array = npt.NDArray[Any]
State = dict[str, int]
"""A reading position, in numbers that a file can hold."""

PATIENCE = 1.0
"""Seconds between two looks at whether the thread is still alive."""
LINGER = 0.2
"""Seconds that a program which ends waits for threads that read, and once more after it has told them to give up."""


class Batch:
    """Arrays that are filled again and again; ``state`` is the reading position after them, and ``names`` what messages
    call the records in them, a new sequence in every filling."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.arrays: list[Array] = []
        self.state: State = {}
        self.names: Sequence[str] = ()
        self._flats: list[Array] = []

    def array(self, index: int, shape: Sequence[int]) -> Array:
        """Array number *index* in *shape*, to be written to; memory is taken only when it grows."""
        while len(self.arrays) <= index:
            self.arrays.append(np.empty(0, self.dtype))
            self._flats.append(np.empty(0, self.dtype))
        if self.arrays[index].shape != tuple(shape):
            count = int(np.prod(shape, dtype=np.int64))
            if self._flats[index].size < count:
                self._flats[index] = np.empty(count, self.dtype)
            self.arrays[index] = self._flats[index][:count].reshape(shape)
        return self.arrays[index]


class Producer(Protocol):
    """What makes batches. ``fill`` writes the next one; ``state`` and ``restore`` are its reading position."""

    def fill(self, batch: Batch) -> None: ...

    def state(self) -> State: ...

    def restore(self, state: Mapping[str, int]) -> None: ...


class Prefetcher:
    """Hands out the batches of a *producer*, of which up to *depth* are made ahead by a thread (0: no thread).

    The order, and thus every number, is that of calling the producer directly. An error of the producer is raised
    by ``next``, after the batches before it. The thread starts with the first ``next``, and ends with ``close``, when
    the prefetcher is no longer used, and when the program ends.

    Example::

        prefetcher = Prefetcher(producer, depth=4)
        images, labels = prefetcher.next().arrays
    """

    def __init__(self, producer: Producer, dtype: npt.DTypeLike = np.float32, depth: int = 4) -> None:
        self.producer, self.dtype, self.depth = producer, dtype, depth
        self._state = dict(producer.state())
        self._held: Batch | None = None
        self._worker: _Worker | None = None
        self._stop: weakref.finalize[Any, Any] | None = None
        self._error: BaseException | None = None

    def next(self) -> Batch:
        """The next batch, which stays as it is until ``release``, or until ``next`` is called again."""
        if self._error is not None:
            raise self._error
        self.release()
        self._held = self._take() if self.depth else self._make()
        self._state = dict(self._held.state)
        return self._held

    def release(self) -> None:
        """Give the batch back to be filled again; its arrays are no longer the caller's."""
        if self._held is not None and self._worker is not None:
            self._worker.free.put(self._held)
            self._held = None

    def state(self) -> State:
        """The position after the batch that was handed out last, however many have been made ahead."""
        return dict(self._state)

    def restore(self, state: Mapping[str, int]) -> None:
        """Go on from a position that ``state`` returned. Errors: those of the producer; then nothing has changed."""
        before = self.state()
        self.close()
        try:
            self.producer.restore(state)
        except BaseException:
            self.producer.restore(before)
            raise
        self._state = dict(self.producer.state())

    def close(self) -> None:
        """Stop the thread, and forget what it has made; a later ``next`` goes on from ``state``."""
        worker, self._worker = self._worker, None
        self._held = self._error = None
        if self._stop is not None:
            self._stop.detach()
        if worker is not None:
            worker.stop()
            worker.join()
            self.producer.restore(self._state)

    def _make(self) -> Batch:
        batch = self._held or Batch(self.dtype)
        try:
            self.producer.fill(batch)
        except BaseException:
            self.producer.restore(self._state)
            raise
        batch.state = self.producer.state()
        return batch

    def _take(self) -> Batch:
        if self._worker is None:
            self._worker = _Worker(self.producer, [Batch(self.dtype) for _ in range(self.depth)])
            self._stop = weakref.finalize(self, self._worker.stop)
        if self._worker.thread.ident is None:  # now that the worker is known: a signal may end the start in its middle
            self._worker.start()
        made = self._worker.take()
        if isinstance(made, BaseException):
            self._error = made
            raise made
        return made


class _Worker:
    """The thread, the batches that it may fill, and those that it has filled. Knows nothing of the prefetcher, so that
    the thread does not keep it alive."""

    def __init__(self, producer: Producer, batches: list[Batch]) -> None:
        self.free: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self.full: queue.SimpleQueue[Batch | BaseException] = queue.SimpleQueue()
        self.stopping = threading.Event()
        for batch in batches:
            self.free.put(batch)
        self.thread = threading.Thread(target=self._run, args=(producer,), name="cortado-data", daemon=True)

    def start(self) -> None:
        _stop_all_at_exit()
        _workers.add(self)
        self.thread.start()

    def take(self) -> Batch | BaseException:
        while True:
            try:
                return self.full.get(timeout=PATIENCE)
            except queue.Empty:
                if not self.thread.is_alive() and self.full.empty():
                    rule = "the thread that reads the data is gone"
                    raise DataError(rule, hint="a net cannot be used in a forked process") from None

    def stop(self) -> None:
        """Let the thread end after the batch that it is filling."""
        self.stopping.set()
        self.free.put(None)

    def join(self, seconds: float | None = None) -> None:
        """Wait until the thread has ended, or for some *seconds*."""
        if self.thread.ident is not None and self.thread is not threading.current_thread():
            self.thread.join(seconds)

    def give_up(self) -> None:
        """Have the thread leave the batch that it is filling before its next line of Python."""
        if self.thread.is_alive() and self.thread.ident is not None:
            import ctypes

            identity, reason = ctypes.c_ulong(self.thread.ident), ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, reason)

    def _run(self, producer: Producer) -> None:
        while (batch := self.free.get()) is not None and not self.stopping.is_set():
            try:
                producer.fill(batch)
                batch.state = producer.state()
            except BaseException as error:
                self.full.put(error)
                return
            self.full.put(batch)


_workers: weakref.WeakSet[_Worker] = weakref.WeakSet()


@cache
def _stop_all_at_exit() -> None:
    """See that no thread is inside a database when the interpreter goes away, if it can be had soon."""
    atexit.register(_stop_all)


def _stop_all() -> None:
    """Stop all threads: within a batch where that takes longer, and not at all where a source does not answer."""
    workers = list(_workers)
    for worker in workers:
        worker.stop()
    for hurry in (False, True):
        end = time.monotonic() + LINGER
        for worker in workers:
            if hurry:
                worker.give_up()
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))
