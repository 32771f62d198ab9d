"""Calls of the native engine that do the work of several, or that tell what calls cost."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import numpy as np
import pytest

from cortado.engines import ConvGeometry, PoolGeometry, get_engine

kernels: Any = pytest.importorskip("cortado.engines.native._kernels", exc_type=ImportError)
native: Any = get_engine("native")
reference: Any = get_engine("reference")


def floats(*shape: int) -> Any:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def test_a_kernel_performed_can_be_called_again() -> None:
    x, w, y = floats(2, 3, 7, 8), floats(4, 3, 3, 3), floats(2, 4, 5, 6)
    call, result = native.perform("conv_forward", x, w, None, y, ConvGeometry((3, 3)))
    assert result is None
    assert isinstance(call, kernels.Command)
    first = y.copy()
    x *= 2
    call()
    np.testing.assert_allclose(y, 2 * first, rtol=1e-4, atol=1e-5)


def test_what_is_no_command_is_a_call() -> None:
    x = floats(9).astype(np.float64)
    call, result = native.perform("sumsq", x)
    assert isinstance(call, partial)
    assert result == call() == pytest.approx(np.square(x).sum())
    call, result = native.perform("relu_forward", x, x, negative_slope=0.5)
    assert result is None
    np.testing.assert_array_equal(x < 0, x * 2 < 0)
    call()
    with pytest.raises(TypeError):
        kernels.command("relu_forward", x, x, 0.0)
    with pytest.raises(TypeError):
        kernels.command("no such kernel")


def test_a_chain_runs_in_order() -> None:
    x, y, mask = floats(2, 3, 4, 4), floats(2, 3, 2, 2), np.zeros((2, 3, 2, 2), np.int32)
    calls = [
        native.perform("relu_forward", x, x, 0.0)[0],
        native.perform("max_pool_forward", x, y, mask, PoolGeometry((2, 2), (2, 2)))[0],
        native.perform("scale_by", 3.0, y, y)[0],
    ]
    x[...] = -floats(2, 3, 4, 4)
    wanted = 3 * np.maximum(x, 0).reshape(2, 3, 2, 2, 2, 2).max(axis=(3, 5))
    chained = native.chain([(call, 1e-3) for call in calls])
    assert len(chained) == 1
    chained[0]()
    np.testing.assert_array_equal(y, wanted)


def test_long_calls_are_not_chained() -> None:
    x = floats(5)
    command, plain = native.perform("scale_by", 1.0, x, x)[0], partial(int)
    long = [(command, 1.0), (command, 1e-3), (command, 1e-3), (plain, 1e-3), (command, 1e-3), (command, 3.5e-3)]
    assert len(native.chain(long)) == 5
    assert reference.chain(long) == [call for call, _ in long]


def test_clear() -> None:
    arrays = [floats(3), floats(2, 600_000), floats(0)]
    native.clear(arrays)
    assert not any(array.any() for array in arrays)
    wide = [floats(4).astype(np.float64), floats(4)[::2]]
    native.clear(wide)
    assert not any(array.any() for array in wide)


@pytest.mark.parametrize("engine", [native, reference])
def test_labels_fit(engine: Any) -> None:
    for labels, fit in [([0, 4], True), ([], True), ([5], False), ([-1, 0], False), ([np.nan], False)]:
        assert engine.labels_fit(np.array(labels, np.float32), 5) is fit
        assert engine.labels_fit(np.array(labels, np.float64), 5) is fit


def test_softmax_and_loss_in_one_call() -> None:
    x, labels = floats(6, 5, 3), np.arange(18).reshape(6, 3).astype(np.float32) % 5
    prob, wanted = np.empty_like(x), np.empty_like(x)
    total, count = native.softmax_loss(x, prob, labels)
    native.softmax_forward(x, wanted)
    assert np.array_equal(prob, wanted)
    assert (total, count) == native.softmax_loss_forward(wanted, labels, None)
    assert total == pytest.approx(reference.softmax_loss_forward(wanted, labels, None)[0], rel=1e-6)
    labels[3, 1] = 5
    assert native.softmax_loss(x, prob, labels) is None
    assert native.softmax_loss(x.astype(np.float64), prob, labels) is None
    assert reference.softmax_loss(x, prob, labels) is None


@pytest.mark.parametrize("shape", [(6, 5, 1), (2, 7, 600), (1, 3, 257), (0, 4, 3), (3, 4, 0)])
def test_right_answers_are_counted(shape: tuple[int, int, int]) -> None:
    outer, classes, inner = shape
    x = np.round(floats(*shape) * 2)  # so that there are ties
    x[:1, 0, :1], x[:1, :1, :2] = np.nan, np.nan
    labels = (np.arange(outer * inner).reshape(outer, inner) % classes).astype(np.float32)
    own = np.take_along_axis(x, labels.astype(int)[:, None], 1)
    others = classes - 1 - (x < own).sum(axis=1)
    for top_k in (1, 2, classes):
        assert native.count_right(x, labels, top_k) == (others < top_k).sum()
    assert native.count_right(x.astype(np.float64), labels, 1) is None
    assert reference.count_right(x, labels, 1) is None
    if labels.size:
        labels[0, -1] = classes
        assert native.count_right(x, labels, 1) is None


def test_time_in_kernels_is_counted_per_thread() -> None:
    x = floats(1000, 1000)
    kernels.count_time(True)
    try:
        assert kernels.counted_time() == (0, 0)
        native.sumsq(x)
        once = kernels.counted_time()[0]
        assert once > 0
        other: list[Any] = []
        thread = threading.Thread(target=lambda: other.extend([native.sumsq(x), kernels.counted_time()]))
        thread.start()
        thread.join()
        assert other[1] == (0, 0)
        assert kernels.counted_time()[0] == once
    finally:
        kernels.count_time(False)
    native.sumsq(x)
    assert kernels.counted_time() == (0, 0)
