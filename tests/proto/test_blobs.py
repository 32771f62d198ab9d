from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from cortado.errors import FormatError
from cortado.proto import (
    Addition,
    Schema,
    array_to_blob,
    blob_shape,
    blob_to_array,
    field,
    is_legacy,
    shapes_match,
)

STOCK = Schema.stock()


def refusal(**values: Any) -> str:
    with pytest.raises(FormatError) as caught:
        blob_to_array(STOCK.BlobProto(**values))
    return str(caught.value)


def test_a_blob_of_today() -> None:
    blob = STOCK.BlobProto(data=range(6))
    blob.shape.dim.extend([2, 3])
    array = blob_to_array(blob)
    assert array.dtype == np.float32
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert array.flags.writeable
    assert not is_legacy(blob)


def test_a_blob_with_four_numbers() -> None:
    blob = STOCK.BlobProto(data=range(6), num=1, channels=2, height=1, width=3)
    assert is_legacy(blob)
    assert blob_to_array(blob).shape == blob_shape(blob) == (1, 2, 1, 3)


def test_a_scalar_and_an_empty_blob() -> None:
    assert blob_to_array(STOCK.BlobProto(data=[7])).shape == ()
    empty = STOCK.BlobProto()
    empty.shape.dim.extend([0, 3])
    assert blob_to_array(empty).shape == (0, 3)


def test_doubles_are_preferred() -> None:
    blob = STOCK.BlobProto(double_data=[0.1], data=[5, 5])
    array = blob_to_array(blob)
    assert array.dtype == np.float64
    assert array.tolist() == 0.1


def test_gradients() -> None:
    blob = STOCK.BlobProto()
    array_to_blob(np.array([1, 2], np.float32), blob)
    array_to_blob(np.array([3, 4], np.float32), blob, diff=True)
    assert (blob_to_array(blob).tolist(), blob_to_array(blob, diff=True).tolist()) == ([1, 2], [3, 4])


def test_impossible_shapes_are_refused() -> None:
    shape = STOCK.BlobShape
    got = refusal(data=[1, 2, 3], shape=shape(dim=[2, 2]))
    assert got == "a blob of shape (2, 2) has 4 values in 'data'; got 3"
    got = refusal(shape=shape(dim=[2]))
    assert got == "a blob of shape (2,) has 2 values in 'data'; got 0 (its writer may keep the values in other fields)"
    limit = "the axes of a blob are at least 0 and its count at most 2147483647; got "
    assert refusal(shape=shape(dim=[-1, 2])) == f"{limit}(-1, 2)"
    assert refusal(shape=shape(dim=[2**40, 2**40])) == f"{limit}(1099511627776, 1099511627776)"
    assert refusal(num=-1, data=[1]) == f"{limit}(-1, 0, 0, 0)"
    assert refusal(shape=shape(dim=[1] * 33), data=[1]) == "a blob has at most 32 axes; got 33"


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64]), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    )
)
def test_arrays_come_back_bit_by_bit(array: Any) -> None:
    blob = STOCK.BlobProto(num=3, data=[9], double_data=[9])
    array_to_blob(array, blob)
    back = blob_to_array(STOCK.BlobProto.FromString(blob.SerializeToString()))
    assert (back.shape, back.tobytes()) == (array.shape, array.tobytes())
    assert back.dtype == array.dtype or array.size == 0
    assert list(blob.data if array.dtype == np.float32 else blob.double_data) == pytest.approx(
        array.ravel().tolist(), nan_ok=True
    )


def test_other_types_and_layouts_are_converted() -> None:
    blob = STOCK.BlobProto()
    array_to_blob(np.arange(6).reshape(2, 3).T, blob)  # type: ignore[arg-type]
    assert blob_to_array(blob).tolist() == [[0, 3], [1, 4], [2, 5]]
    array_to_blob(np.array([1.5], ">f4"), blob)
    assert blob_to_array(blob).tolist() == [1.5]


def test_fields_of_a_dialect_are_found_by_name() -> None:
    numbers = (field("data", 6, "float", repeated=True, packed=True),)
    c3d = Addition("c3d", fields={"BlobProto": numbers}, replaces=("BlobProto.data", "BlobProto.diff"))
    schema = Schema.compose([c3d])
    blob = schema.BlobProto.FromString(bytes([0x32, 4, 0, 0, 0x80, 0x3F]))
    assert blob_to_array(blob).tolist() == 1.0
    array_to_blob(np.ones(2, np.float32), blob)
    assert blob_to_array(blob).tolist() == [1, 1]


def test_values_that_are_not_packed() -> None:
    loose = (field("data", 5, "float", repeated=True),)
    schema = Schema.compose([Addition("loose", fields={"BlobProto": loose}, replaces=("BlobProto.data",))])
    blob = schema.BlobProto(data=[1, 2])
    blob.shape.dim.append(2)
    assert blob_to_array(blob).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        *[((1, 1, 2, 3), True), ((2, 3), True), ((1, 2, 3), True), ((3, 2), False), ((2, 3, 1), False)],
        *[((6,), False), ((1, 1, 1, 2, 3), False), ((), False)],
    ],
)
def test_old_shapes_match_with_ones_in_front(shape: tuple[int, ...], fits: bool) -> None:
    assert shapes_match(STOCK.BlobProto(num=1, channels=1, height=2, width=3), shape) is fits


def test_new_shapes_match_only_themselves() -> None:
    blob = STOCK.BlobProto()
    blob.shape.dim.extend([1, 1, 2, 3])
    assert shapes_match(blob, [1, 1, 2, 3])
    assert not shapes_match(blob, [2, 3])


def test_four_million_values_come_back() -> None:
    array = np.arange(4_000_000, dtype=np.float32).reshape(2000, 2000)
    blob = STOCK.BlobProto()
    array_to_blob(array, blob)
    np.testing.assert_array_equal(blob_to_array(blob), array)
