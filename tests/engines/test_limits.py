"""What a machine can do at most, and the floor that follows."""

from __future__ import annotations

import time

import pytest

from cortado.engines import get_engine
from cortado.engines.limits import Limits, measure_limits
from cortado.errors import MissingExtraError


def test_the_floor_is_the_larger_of_two_times():
    limits = Limits(operations=100.0, transfer=10.0)
    assert limits.floor(200, 5) == 2.0
    assert limits.floor(200, 50) == 5.0
    assert limits.floor(0, 0) == 0


@pytest.mark.parametrize(("operations", "size", "bound"), [(200, 5, "operations"), (200, 50, "bytes"), (0, 0, "")])
def test_what_bounds_a_call(operations, size, bound):
    assert Limits(100.0, 10.0).bound(operations, size) == bound


@pytest.mark.parametrize("name", ["reference", "native"])
def test_limits_are_measured_by_the_clock_that_is_given(name):
    try:
        engine = get_engine(name)
    except MissingExtraError:
        pytest.skip("no compiled kernels")
    readings = iter(range(1000))
    limits = measure_limits(engine, clock=lambda: next(readings), seconds=3)
    assert limits.operations == engine.burst(), "each call took one second by this clock"
    assert limits.transfer == 2 * 4 * (8 << 20)


def test_the_native_peak_is_on_every_instruction_set_and_grows_with_it():
    try:
        engine = get_engine("native")
    except MissingExtraError:
        pytest.skip("no compiled kernels")
    from cortado.engines.native import _kernels

    before, amounts = _kernels.isa(), []
    for isa in ("baseline", "avx2", "avx512"):
        if engine.use_isa(isa):
            amounts.append(engine.burst())
    engine.use_isa(before)
    assert amounts == sorted(set(amounts))


def test_a_peak_is_no_number_of_another_world():
    """Between a pocket calculator and the fastest machine there is: the count and the clock have one unit."""
    assert 1e6 < measure_limits(get_engine(), time.perf_counter, 0.001).operations < 1e15
