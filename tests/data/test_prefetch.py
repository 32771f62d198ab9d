from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cortado.data import Batch, Prefetcher, prefetch as module
from cortado.errors import DataError


class Counter:
    """Batches of a growing number; fails at number *fails*."""

    def __init__(self, fails: int = -1, rows: int = 3, delay: float = 0) -> None:
        self.position, self.fails, self.rows, self.delay = 0, fails, rows, delay

    def fill(self, batch: Batch) -> None:
        time.sleep(self.delay)
        if self.position == self.fails:
            raise DataError(f"record {self.position} is bad")
        batch.array(0, (self.rows, 2))[...] = self.position
        batch.array(1, (1,))[...] = -self.position
        self.position += 1

    def state(self) -> dict[str, int]:
        return {"records": self.position}

    def restore(self, state: dict[str, int]) -> None:
        if state["records"] < 0:
            raise DataError("no such position")
        self.position = state["records"]


def values(prefetcher: Prefetcher, count: int) -> list[float]:
    got = []
    for _ in range(count):
        data, label = prefetcher.next().arrays
        assert (data == data[0, 0]).all()
        assert label[0] == -data[0, 0]
        got.append(float(data[0, 0]))
        prefetcher.release()
    return got


EARLIER: set[threading.Thread] = set()


def threads() -> set[threading.Thread]:
    """The threads that make batches, without those of earlier tests."""
    return {t for t in threading.enumerate() if t.name == "cortado-data"} - EARLIER


@pytest.fixture(autouse=True)
def no_thread_is_left():
    EARLIER.update(threads())
    yield
    gc.collect()
    deadline = time.monotonic() + 5
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not threads()


@pytest.mark.parametrize("depth", [0, 1, 2, 4])
def test_same_batches_at_every_depth(depth):
    assert values(Prefetcher(Counter(), depth=depth), 20) == list(range(20))


@pytest.mark.parametrize("depth", [0, 1, 4])
def test_a_batch_stays_until_the_next_is_asked_for(depth):
    prefetcher = Prefetcher(Counter(), depth=depth)
    for number in range(5):
        batch = prefetcher.next()
        time.sleep(0.01)
        assert (batch.arrays[0] == number).all()


def test_works_ahead_but_not_further_than_allowed():
    producer = Counter()
    prefetcher = Prefetcher(producer, depth=3)
    prefetcher.next()
    time.sleep(0.1)
    assert producer.position == 3
    prefetcher.release()
    time.sleep(0.1)
    assert producer.position == 4


def test_no_thread_before_the_first_batch():
    prefetcher = Prefetcher(Counter(), depth=2)
    assert not threads()
    prefetcher.next()
    assert len(threads()) == 1


@pytest.mark.parametrize("depth", [0, 1, 4])
def test_an_error_comes_in_its_place_and_stays(depth):
    prefetcher = Prefetcher(Counter(fails=3), depth=depth)
    assert values(prefetcher, 3) == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(DataError, match="record 3 is bad"):
            prefetcher.next()
    prefetcher.restore({"records": 4})
    assert values(prefetcher, 2) == [4, 5]


@pytest.mark.parametrize("depth", [0, 3])
def test_state_is_that_of_what_was_handed_out(depth):
    prefetcher = Prefetcher(Counter(), depth=depth)
    assert prefetcher.state() == {"records": 0}
    values(prefetcher, 5)
    time.sleep(0.05)
    state = prefetcher.state()
    assert state == {"records": 5}
    ahead = values(prefetcher, 3)
    prefetcher.restore(state)
    assert values(prefetcher, 3) == ahead
    other = Prefetcher(Counter(), depth=depth)
    other.restore(state)
    assert values(other, 3) == ahead


@pytest.mark.parametrize("depth", [0, 2])
def test_close_stops_the_thread_and_goes_on_later(depth):
    prefetcher = Prefetcher(Counter(), depth=depth)
    values(prefetcher, 4)
    prefetcher.close()
    assert not threads()
    assert values(prefetcher, 2) == [4, 5]
    prefetcher.close()
    prefetcher.close()


@pytest.mark.parametrize("depth", [0, 2])
def test_a_state_that_is_refused_changes_nothing(depth):
    prefetcher = Prefetcher(Counter(), depth=depth)
    values(prefetcher, 2)
    with pytest.raises(DataError, match="no such position"):
        prefetcher.restore({"records": -1})
    assert values(prefetcher, 2) == [2, 3]


def test_garbage_collection_stops_the_thread():
    prefetcher = Prefetcher(Counter(delay=0.01), depth=2)
    prefetcher.next()
    assert threads()
    del prefetcher


def test_a_thread_that_is_gone_is_noticed(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    prefetcher = Prefetcher(Counter(), depth=2)
    values(prefetcher, 1)
    prefetcher._worker.stop()
    prefetcher._worker.join()
    with pytest.raises(DataError, match="thread that reads the data is gone"):
        values(prefetcher, 10)


def test_memory_is_reused_and_grows():
    batch = Batch(np.float64)
    first = batch.array(0, (4, 3))
    assert first.dtype == np.float64
    assert batch.array(0, (4, 3)) is first
    assert np.shares_memory(batch.array(0, (2, 3)), first)
    assert batch.array(0, (5, 3)).shape == (5, 3)
    assert batch.array(0, ()).shape == ()


def test_shapes_may_change_from_batch_to_batch():
    producer = Counter()
    prefetcher = Prefetcher(producer, depth=0)
    assert prefetcher.next().arrays[0].shape == (3, 2)
    producer.rows = 5
    assert prefetcher.next().arrays[0].shape == (5, 2)


def test_a_program_ends_while_batches_are_being_made():
    program = """
import time
from cortado.data import Prefetcher

class Slow:
    def fill(self, batch):
        time.sleep(0.05)
        batch.array(0, (1,))[...] = 1
    def state(self):
        return {}
    def restore(self, state):
        pass

prefetchers = [Prefetcher(Slow(), depth=2) for _ in range(3)]
for prefetcher in prefetchers:
    prefetcher.next()
print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
