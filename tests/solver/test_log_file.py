"""Reading training logs of all ages."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from cortado.solver.log_file import parse_log, read_log

ZOO = Path(os.environ.get("CORTADO_ZOO", "/nonexistent"))


def test_rate_before_or_after_the_loss() -> None:
    lines = ["Iteration 1, lr = 0.5", "Iteration 1, loss = 2", "Iteration 2, loss = 1", "Iteration 2, lr = 1e-05"]
    assert [row.rate for row in parse_log(lines).train] == [0.5, 1e-5]


@pytest.mark.parametrize("text", ["nan", "-nan", "inf", "-inf", "1e+30", "87.3365", "-0.5", "3"])
def test_numbers(text: str) -> None:
    row = parse_log(
        [f"Iteration 7 (1.5 iter/s, 2s/3 iters), loss = {text}", f"  Train net output #0: a/b = {text}"]
    ).train[0]
    for value in (row.loss, row.outputs[0][1]):
        assert value == float(text) or (math.isnan(value) and "nan" in text)
    assert row.outputs[0][0] == "a/b"


def test_a_test_has_the_rate_of_its_iteration() -> None:
    lines = ["Iteration 0, Testing net (#0)", "Iteration 0, loss = 1", "Iteration 0, lr = 0.1"]
    lines += ["Iteration 5, Testing net (#0)", "Iteration 8, loss = 1", "Iteration 8, lr = 0.2"]
    lines += ["Iteration 9, Testing net (#0)", "Solving again", "Iteration 9, Testing net (#0)"]
    lines += ["Iteration 9, loss = 1", "Iteration 9, lr = 0.3"]
    assert [row.rate for row in parse_log(lines).test] == [0.1, 0.1, 0.2, 0.3]


def test_seconds_count_from_solving_and_over_new_year() -> None:
    lines = [
        "I1231 23:59:50.000000  7 caffe.cpp:197] Use CPU.",
        "I1231 23:59:58.000000  7 solver.cpp:289] Solving Net",
        "I1231 23:59:59.500000  7 solver.cpp:239] Iteration 0, loss = 1",
        "I0101 00:00:01.250000  7 solver.cpp:239] Iteration 1, loss = 1",
    ]
    assert [row.seconds for row in parse_log(lines).train] == [1.5, 3.25]
    assert (
        parse_log([line.replace("I1231", "I20231231").replace("I0101", "I20240101") for line in lines]).train[1].seconds
        == 3.25
    )


def test_a_stamp_that_is_no_time_is_passed_over() -> None:
    row = parse_log(["I1399 99:00:00.0 7 solver.cpp:239] Iteration 3, loss = 1"]).train[0]
    assert (row.iteration, row.seconds) == (3, None)


def test_form_of_2013() -> None:
    log = parse_log(["Iteration 100, Testing net", "Test score #0: 0.5", "Test score #1: 1.25"])
    assert log.test[0].outputs == [("score_0", 0.5, 0.0), ("score_1", 1.25, 0.0)]


def test_snapshots_and_end() -> None:
    log = parse_log(["Solving x", "Snapshotting to binary proto file a_iter_5.caffemodel", "Snapshotting to b_iter_6"])
    assert (log.snapshots, log.finished) == (["a_iter_5.caffemodel", "b_iter_6"], False)
    assert parse_log(["Solving x", "Optimization Done."]).finished
    assert not parse_log(["Solving x", "Optimization Done.", "Solving y"]).finished


@pytest.mark.skipif(not ZOO.is_dir(), reason="CORTADO_ZOO names no folder")
def test_log_of_2014() -> None:
    log = read_log(ZOO / "everpeace-caffe" / "cifar10" / "train_log.txt")
    assert (len(log.train), len(log.test), log.finished) == (52, 12, True)
    rows = {(row.iteration, row.rate): row.loss for row in log.train}
    assert (rows[4000, 1e-4], rows[4100, 1e-4]) == (0.719556, 0.734351)
    assert [row.outputs[0][1] for row in log.test if row.iteration == 4000] == [0.6854, 0.6854]
    assert len(log.snapshots) == 2
