"""The parts of data-parallel training that one process can show."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cortado import Blob, Net
from cortado.errors import CommunicationError, MissingExtraError, ShapeError, SolverError
from cortado.plugins import plugin_manager
from cortado.proto import parse_text
from cortado.solver.parallel import Communicator, Parallel, choose_communicator, ending_all
from cortado.solver.parallel.buckets import make_buckets
from cortado.solver.parallel.driver import Driver
from cortado.solver.parallel.half import HalfSum, pack, unpack
from cortado.solver.parallel.reducer import Reducer
from cortado.solver.parallel.single import Done, Single

NET = """
layer { name: "in" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 5 } data_filler { value: 1 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" inner_product_param { num_output: 5
  weight_filler { type: "xavier" } } }
layer { name: "fixed" type: "InnerProduct" bottom: "b" top: "c" param { lr_mult: 0 } param { lr_mult: 0 }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "c" type: "InnerProduct" bottom: "c" top: "d" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Reduction" bottom: "d" top: "loss" loss_weight: 1 }
"""


def net() -> Net:
    message = parse_text(NET, plugin_manager().schema().message("NetParameter"), "test").message
    return Net(message, 0, engine="reference", seed=1)


def test_gradients_in_buckets_are_those_without() -> None:
    plain, bucketed = net(), net()
    buckets = make_buckets(bucketed, 1e-6)
    for each in (plain, bucketed):
        each.forward()
        each.backward()
    for p, q in zip(plain.learnable, bucketed.learnable, strict=True):
        assert np.array_equal(p.blob.diff, q.blob.diff)
    assert {b.label for b in buckets} == {"a[0]", "a[1]", "b[0]", "b[1]"}  # not the fixed one, and the shared one once
    assert [b.label for b in buckets] == ["b[0]", "b[1]", "a[0]", "a[1]"]
    for bucket in buckets:
        (parameter,) = bucket.parameters
        assert np.array_equal(bucket.flat[: bucket.used], parameter.blob.diff.ravel())
        bucket.flat[:] = 7
        assert (parameter.blob.diff == 7).all()


def test_a_bucket_is_ready_when_the_first_layer_that_shares_is_done() -> None:
    made = net()
    ready = {p.label: b.ready for b in make_buckets(made, 1e-6) for p in b.parameters}
    names = {label: made.layer_names[index] for label, index in ready.items()}
    assert names == {"b[0]": "b", "b[1]": "b", "a[0]": "a", "a[1]": "a"}
    buckets = make_buckets(net(), 4, ranks=3)
    assert [b.label for b in buckets] == ["b[0]", "b[1]", "a[0]", "a[1]"]  # a quarter of 60 numbers each at most
    assert [(b.used, b.flat.size) for b in buckets] == [(25, 30), (5, 6), (25, 30), (5, 6)]


def test_a_view_of_a_gradient_in_a_bucket_is_made_once() -> None:
    blob = Blob((2, 3))
    blob.diff[...] = 4
    flat = np.zeros(10, np.float32)
    blob.place_diff(flat[2:8])
    assert flat.tolist() == [0, 0, 4, 4, 4, 4, 4, 4, 0, 0]
    assert blob.diff is blob.diff
    with pytest.raises(ShapeError, match="needs 6 float32 for its gradient"):
        blob.place_diff(flat[:5])


@pytest.mark.parametrize("size", [1e-30, 1e-6, 1.0, 1e6, 1e30])
def test_half_precision_keeps_ten_bits_of_any_size(size: float) -> None:
    rng = np.random.default_rng(0)
    values = (rng.standard_normal((3, 40)) * size).astype(np.float32)
    values[0, :20] *= 1e-3
    values[2] = 0
    packed, back = np.zeros((3, 42), np.float16), np.empty_like(values)
    pack(values, packed)
    unpack(packed, back)
    assert np.allclose(back, values, rtol=2**-10, atol=0)


def test_half_precision_passes_infinity_and_nan_on() -> None:
    values = np.array([[np.inf, 1], [np.nan, 1]], np.float32)
    packed, back = np.zeros((2, 4), np.float16), np.empty_like(values)
    pack(values, packed)
    unpack(packed, back)
    assert back[0].tolist() == [np.inf, 1]
    assert np.isnan(back[1, 0])


def test_half_sum_of_one_rank() -> None:
    flat = np.arange(6, dtype=np.float32)
    Single().wait(HalfSum(Single(), flat).start())
    assert flat.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "single"),
        ({"OMPI_COMM_WORLD_SIZE": "1"}, "single"),
        ({"PMI_SIZE": "4"}, "mpi"),
        ({"PMIX_RANK": "0"}, "mpi"),
    ],
)
def test_detection(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str) -> None:
    for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "MPI_LOCALNRANKS", "PMIX_RANK"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    asked: list[str] = []

    class Plugins:
        def get(self, kind: str, name: str) -> Any:
            asked.append(f"{kind}/{name}")
            return type("Entry", (), {"item": Single})

    if environment == {"PMI_SIZE": "4"}:
        with pytest.raises(SolverError, match="the launcher has started 4 processes, but the MPI of mpi4py sees one"):
            choose_communicator("auto", Plugins())  # type: ignore[arg-type]
    else:
        choose_communicator("auto", Plugins())  # type: ignore[arg-type]
    assert asked == [f"communicators/{name}"]


def test_names_of_communicators() -> None:
    assert {"single", "mpi"} <= set(plugin_manager().registry("communicators").names())
    with pytest.raises(SolverError, match="unknown communicator 'mpl' \\(did you mean 'mpi'"):
        choose_communicator("mpl", plugin_manager())


def test_without_mpi4py(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mpi4py", None)
    with pytest.raises(MissingExtraError, match=r"pip install cortado\[mpi\]"):
        choose_communicator("mpi", plugin_manager())


class Pair(Communicator):
    """Rank 0 of 2, the other of which says nothing."""

    type, size, timeout = "pair", 2, 0.05

    def present(self, seconds: float) -> set[int]:
        return {0}

    def abort(self, status: int) -> Any:
        raise SystemExit(status)


def test_tests_that_cannot_be_divided_are_refused() -> None:
    text = "test_iter: 4 test_iter: 7 parallel_param { divide_tests: true }"
    param = parse_text(text, plugin_manager().schema().message("SolverParameter"), "test").message
    with pytest.raises(SolverError) as caught:
        Parallel(Pair(), param)
    rule = "parallel_param: with divide_tests every test_iter must be a multiple of the 2 ranks; got 4, 7"
    assert str(caught.value) == f"{rule} (change test_iter, or leave the tests to rank 0)"


def test_buckets_begin_to_be_reduced_while_backward_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made, pair, events = net(), Pair(), list[str]()

    def begin(array: Any) -> Done:
        events.append(f"{array.size} numbers")
        return Done()

    monkeypatch.setattr(pair, "start_allreduce", begin)
    reducer = Reducer(made, pair, 1e-6)
    made.before_backward.append(lambda index: events.append(made.layer_names[index]))
    for armed in (False, True):
        events.clear()
        if armed:
            reducer.arm()
        made.forward()
        made.backward()
        assert [event for event in events if "numbers" not in event] == ["loss", "c", "fixed", "b", "a", "in"]
        sums = [(event, events[at - 1]) for at, event in enumerate(events) if "numbers" in event]
        begun = [("28 numbers", "b"), ("8 numbers", "28 numbers"), ("28 numbers", "a"), ("8 numbers", "28 numbers")]
        assert sums == (begun if armed else [])
    reducer.finish()


class Never(Done):
    def done(self) -> bool:
        return False


def test_silence_is_an_error_that_names_the_rank() -> None:
    with pytest.raises(CommunicationError, match=r"rank 0: rank 1 of 2 must answer within 0.05 s; got nothing"):
        Pair().wait(Never())


class Moving(Done):
    """There after it was asked for *times* times; *order* gets its name then."""

    def __init__(self, name: str, times: int, order: list[str]) -> None:
        self.name, self.left, self.order = name, times, order
        self.threads: set[str] = set()

    def done(self) -> bool:
        if self.left < 0:
            raise OSError("the cable is cut")
        self.threads.add(threading.current_thread().name)
        self.left -= 1
        if self.left == 0:
            self.order.append(self.name)
        return self.left == 0


def test_a_thread_drives_transfers_in_order_where_the_communicator_wants_one() -> None:
    pair, order = Pair(), list[str]()
    pair.background, pair.timeout = True, 60
    driver = Driver(pair)
    for _ in range(2):
        driver.begin()
        moving = [Moving("a", 40, order), Moving("b", 3, order)]
        for each in moving:
            driver.add(each)
        while driver.pending:  # by itself
            time.sleep(0.001)
        driver.end()
        assert all(each.threads == {"transfers"} for each in moving)
    assert order == ["a", "b", "a", "b"]
    pair.background = False
    driver.add(last := Moving("c", 2, order))
    driver.visit()
    driver.end()
    assert last.threads == {"MainThread"}


def test_what_fails_in_the_thread_is_told_in_the_main_one() -> None:
    pair = Pair()
    pair.background = True
    driver = Driver(pair)
    driver.add(Moving("a", -1, []))
    while driver.pending:
        time.sleep(0.001)
    with pytest.raises(OSError, match="the cable is cut"):
        driver.end()
    driver.begin()
    driver.add(Never())
    with pytest.raises(CommunicationError, match="rank 1 of 2 must answer"):
        driver.end()


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (SolverError("too late"), 1, "error: rank 0: too late\n"),
        (KeyError("x"), 1, "error: rank 0: KeyError: 'x'\n"),
        (SystemExit(130), 130, ""),
        (SystemExit(0), 0, ""),
    ],
)
def test_an_error_ends_all(capsys: pytest.CaptureFixture[str], raised: BaseException, status: int, told: str) -> None:
    def fail() -> None:
        with ending_all(Pair()):
            raise raised

    assert exit_status(fail) == status
    assert capsys.readouterr().err == told


def exit_status(function: Callable[[], None]) -> Any:
    with pytest.raises(SystemExit) as caught:
        function()
    return caught.value.code


def test_alone_nothing_is_changed() -> None:
    with pytest.raises(KeyError), ending_all(Single()):
        raise KeyError
    assert Single().gather(b"x") == [b"x"]
    assert Single().from_root(b"y") == b"y"
