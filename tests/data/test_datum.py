from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from cortado.data import array_to_datum, datum_to_array, images, parse_datum
from cortado.data.datum import datum_class
from cortado.errors import DataError

Datum = datum_class()


def test_bytes_round_trip():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    datum = array_to_datum(array, label=-3)
    assert (datum.channels, datum.height, datum.width, datum.label) == (2, 3, 4, -3)
    assert datum.data == bytes(range(24))
    np.testing.assert_array_equal(datum_to_array(datum), array)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=40), st.integers(-(2**31), 2**31 - 1))
def test_floats_round_trip_bit_for_bit(values, label):
    array = np.array(values, np.float32).reshape(1, 1, -1)
    value = array_to_datum(array, label).SerializeToString()
    datum = parse_datum(value, "r")
    for got in (datum_to_array(datum, "r", value=value), datum_to_array(datum, "r")):
        assert got.dtype == np.float32
        assert got.tobytes() == array.tobytes()
    assert datum.label == label


def test_floats_are_those_of_protobuf():
    plain = Datum(channels=1, height=1, width=3, label=2, float_data=[0.5, -1, 3e38])
    assert array_to_datum(np.array([[[0.5, -1, 3e38]]]), label=2) == plain


@pytest.mark.parametrize("tail", [{"encoded": False}, {}])
def test_floats_are_found_with_and_without_a_field_behind_them(tail):
    value = Datum(channels=1, height=2, width=2, float_data=[1, 2, 3, 4], **tail).SerializeToString()
    got = datum_to_array(parse_datum(value, "r"), "r", value=value)
    np.testing.assert_array_equal(got.ravel(), [1, 2, 3, 4])


def test_floats_that_stand_apart_are_found():
    value = b"".join(
        part.SerializeToString()
        for part in (Datum(float_data=[1, 2]), Datum(channels=1, height=1, width=3), Datum(float_data=[3]))
    )
    got = datum_to_array(parse_datum(value, "r"), "r", value=value)
    np.testing.assert_array_equal(got.ravel(), [1, 2, 3])


def test_encoded_datum_is_decoded(photo):
    datum = Datum(data=images.encode(photo, "png"), encoded=True, label=1)
    np.testing.assert_array_equal(datum_to_array(datum), photo.transpose(2, 0, 1))
    assert datum_to_array(datum, color=False).shape == (1, 24, 30)


def test_not_a_datum():
    with pytest.raises(DataError, match="record '5' must be a Datum; got 3 bytes"):
        parse_datum(b"\xff\xff\xff", "record '5'")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"channels": 3, "height": 2, "width": 2, "data": b"12345"}, "r: 3x2x2 makes 12 bytes of data; got 5"),
        ({"channels": 1, "height": 2, "width": 2, "float_data": [1.0]}, "r: 1x2x2 makes 4 values of float_data; got 1"),
        ({"channels": 1, "height": 1, "width": 1}, "makes 1 values of float_data; got 0"),
        ({"channels": 0, "height": 2, "width": 2, "data": b"1"}, "must be at least 1; got 0x2x2"),
        ({"channels": -1, "height": -1, "width": 4, "data": b"1234"}, "must be at least 1"),
        ({"channels": 2**30, "height": 2**30, "width": 2**30, "data": b"1"}, "got 1"),
    ],
)
def test_sizes_that_do_not_fit(fields, message):
    with pytest.raises(DataError) as caught:
        datum_to_array(Datum(**fields), "r")
    assert message in str(caught.value)


def test_an_array_needs_three_axes():
    with pytest.raises(DataError, match="three axes"):
        array_to_datum(np.zeros((2, 2), np.uint8))
