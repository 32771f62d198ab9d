"""A rank that dies, hangs or fails ends the run within a bounded time, and what is on disk is whole."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("hang", "rank 0: rank 1 of 2 must answer within 2 s; got nothing"),
        ("die", "signal"),
        ("raise", "error: rank 1: ValueError: the disk is on fire"),
        ("nan", "error: rank 1: iteration 3: layer 'conv' (Convolution): forward must make finite numbers"),
        ("drift", "all ranks must hold the same weights; got others on rank 1 than on rank 0"),
    ],
)
def test_one_rank_ends_all(run: Any, records: Path, what: str, message: str) -> None:
    begin = time.monotonic()
    ended = run(2, "stumble", records, what, check=False)
    assert ended.status != 0
    assert message in ended.output
    assert time.monotonic() - begin < 30


def test_the_silent_one_of_three_is_named(run: Any, records: Path) -> None:
    ended = run(3, "stumble", records, "hang", check=False)
    assert ended.output.count("rank 2 of 3 must answer within 2 s") == 1


def test_one_rank_that_wants_to_stop_stops_all(run: Any, records: Path) -> None:
    found = run(2, "stumble", records, "stop").found
    assert found == {rank: {"iteration": 4, "stopped": True} for rank in "01"}


def test_a_long_test_of_rank_0_is_no_silence(run: Any, records: Path) -> None:
    assert run(2, "slow_test", records).found == {"0": 1, "1": 1}
