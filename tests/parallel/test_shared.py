"""Sums in shared memory, by ranks that take turns in one process."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cortado.solver.parallel import shared
from cortado.solver.parallel.shared import SharedSum, share


class Window:
    """What ranks share memory by."""

    def __init__(self) -> None:
        self.fences = 0

    def Sync(self) -> None:
        self.fences += 1


def ranks_of(views: list[Any], window: Window) -> list[SharedSum]:
    signs = memoryview(bytearray(2 * len(views) * 8)).cast("q")
    return [SharedSum(window, signs, views, rank) for rank in range(len(views))]


@pytest.mark.parametrize("ranks", [2, 3, 5])
@pytest.mark.parametrize("count", [1, 2, 30, 5 * shared.PIECE + 7])
def test_all_end_with_the_same_sum(ranks: int, count: int) -> None:
    rng, views = np.random.default_rng(0), [np.empty(count, np.float32) for _ in range(ranks)]
    sums = ranks_of(views, Window())
    for _ in range(3):
        values = [rng.standard_normal(count).astype(np.float32) for _ in range(ranks)]
        for each, value in zip(sums, values, strict=True):
            each.array[:] = value
            each.start()
            if each is not sums[-1]:
                assert not each.done()  # the last is not ready
        assert [each.done() for each in sums] == [False] * (ranks - 1) + [True]
        assert all(each.done() for each in sums)
        assert all(np.array_equal(view, views[0]) for view in views)
        exact = sum(value.astype(np.float64) for value in values)
        assert np.allclose(views[0], exact, rtol=0, atol=1e-5)


def test_fences_stand_between_numbers_and_signs() -> None:
    window = Window()
    first, second = ranks_of([np.ones(4, np.float32), np.ones(4, np.float32)], window)
    first.start()
    assert window.fences == 1  # gradients, then that they are there
    first.done()
    assert window.fences == 1
    second.start()
    first.done()
    assert window.fences == 4  # seen that all are there, then added, then said so


@pytest.mark.parametrize(("spare", "others"), [(1e30, True), (0, False)])
def test_too_little_memory_on_any_rank_means_none_on_all(
    monkeypatch: pytest.MonkeyPatch, spare: float, others: bool
) -> None:
    monkeypatch.setattr(shared, "SPARE", spare)
    monkeypatch.setattr(shared, "_free", lambda: 1e9)
    group = SimpleNamespace(size=2, rank=0, allreduce=lambda there, _: there and others)
    assert share(SimpleNamespace(LAND=None), group, [10], np.float32) is None
