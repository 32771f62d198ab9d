"""Where the time of cortado train goes: all of it is told, each part once."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def overhead(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.overhead")


def test_the_innermost_place_counts(overhead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now, counted = [100], [(0, 0)]
    monkeypatch.setattr(time, "perf_counter_ns", lambda: now[0])

    def inner() -> None:
        now[0] += 50
        counted[0] = (30, 5)

    def outer(owner: Any) -> str:
        now[0] += 10
        owner.inner()
        now[0] += 20
        return "done"

    owner = SimpleNamespace(inner=inner, outer=outer)
    clock = overhead.Clock(lambda: counted[0], 0)
    clock.watch(owner, "inner", "inside")
    clock.watch(owner, "outer", "outside")
    assert owner.outer(owner) == "done"
    assert clock.places == {"kernels": 30, "waiting for data": 5, "start": 100, "outside": 30, "inside": 15}


def test_a_run_is_divided_without_rest(overhead: Any, tmp_path: Path) -> None:
    pytest.importorskip("cortado.engines.native._kernels", exc_type=ImportError)
    found = overhead.run_once([*overhead.DIGITS, "--iterations", "4", "--set", f"snapshot_prefix={tmp_path}/d"])
    assert sum(found["places"].values()) == pytest.approx(found["places_wall"], rel=0.01)
    assert 0 < found["shares"]["training"] < 1
    assert 0 < found["training"] <= found["command"]
    assert found["wall"] < found["whole"]
    assert {"kernels", "update", "forward", "tests", "snapshots"} <= set(found["places"])


def test_a_stopwatch_leaves_kernels_out(overhead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now, counted = [100], [(0, 0)]
    monkeypatch.setattr(time, "perf_counter_ns", lambda: now[0])

    def work() -> None:
        now[0] += 50
        counted[0] = (counted[0][0] + 20, 5)

    owner = SimpleNamespace(work=work)
    watch = overhead.Stopwatch(lambda: counted[0], owner, "work")
    owner.work()
    owner.work()
    assert watch.spent == 100 - 45
