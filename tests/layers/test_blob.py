"""Blobs: shapes, memory that is taken late and shared."""

from __future__ import annotations

import numpy as np
import pytest

from cortado import Blob, ShapeError


def test_shape_count_and_legacy_names() -> None:
    blob = Blob((2, 3, 4))
    assert (blob.shape, blob.count, blob.num_axes) == ((2, 3, 4), 24, 3)
    assert (blob.num, blob.channels, blob.height, blob.width) == (2, 3, 4, 1)
    assert Blob(()).count == 1
    with pytest.raises(ShapeError, match="exist up to 4 axes"):
        _ = Blob((1, 1, 1, 1, 1)).num


def test_memory_is_taken_when_used() -> None:
    blob = Blob((1000, 1000))
    assert blob.nbytes == 0
    assert not blob.has_diff
    blob.data[0, 0] = 1
    assert blob.nbytes == 4_000_000
    assert blob.diff.sum() == 0
    assert blob.has_diff


def test_reshape_keeps_memory_and_contents() -> None:
    blob = Blob((2, 3))
    blob.data[...] = np.arange(6).reshape(2, 3)
    memory = blob.data.base
    version = blob.version
    blob.reshape(3)
    assert blob.data.tolist() == [0, 1, 2]
    assert blob.version > version
    blob.reshape((3, 2))
    assert blob.data.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert blob.data.base is memory
    version = blob.version
    blob.reshape(3, 2)
    assert blob.version == version, "the same shape is no change"
    blob.reshape(2, 5)
    assert blob.data.ravel().tolist() == [0, 1, 2, 3, 4, 5, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((-1, 2), "sizes of a blob must not be negative; got (-1, 2)"),
        ((1,) * 33, "a blob may have at most 32 axes; got 33"),
        ((2**21, 2**20), "a blob may have at most 1099511627776 elements"),
    ],
)
def test_bad_shapes(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        Blob(shape)
    assert message in str(caught.value)


def test_axes_count_from_both_ends() -> None:
    blob = Blob((2, 3, 4), name="b")
    assert [blob.axis(i) for i in (0, 2, -1, -3)] == [0, 2, 2, 0]
    with pytest.raises(ShapeError, match=r"axis must be in \[-3, 2\] for blob 'b' of shape \(2, 3, 4\); got 3"):
        blob.axis(3)


def test_sharing() -> None:
    a, b = Blob((2, 3)), Blob((6,))
    b.share_data(a)
    b.share_diff(a)
    a.data[...] = 1
    a.diff[...] = 2
    assert b.data.tolist() == [1] * 6
    assert b.diff.tolist() == [2] * 6
    a.reshape(4, 3)
    b.reshape(12)
    b.data[11] = 9
    assert a.data[3, 2] == 9, "sharing outlives growth"
    with pytest.raises(ShapeError, match="need equal counts"):
        Blob((5,)).share_data(a)


def test_initializer_runs_once_and_through_sharing() -> None:
    calls = []

    def fill(blob: Blob) -> None:
        calls.append(blob)
        blob.data[...] = 3

    owner, other = Blob((2,), initializer=fill), Blob((2,))
    other.share_data(owner)
    assert other.data.tolist() == [3, 3]
    assert owner.data.tolist() == [3, 3]
    assert len(calls) == 1


def test_dtype_and_repr() -> None:
    blob = Blob((2, 3), np.float64, "x")
    assert blob.data.dtype == np.float64
    assert repr(blob) == "Blob('x', 2x3, float64)"
    blob.data = 4
    blob.diff = [[1, 2, 3], [4, 5, 6]]
    assert blob.data.sum() == 24
    assert blob.diff.sum() == 21


def test_a_size_beyond_the_machine_is_refused_when_used() -> None:
    blob = Blob((2**20, 2**19), np.float64, "huge")
    with pytest.raises(ShapeError, match="more than is free"):
        _ = blob.data
