"""Datum: the message that a record of a database holds, to and from arrays."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from ..errors import DataError
from ..proto import Schema
from . import images

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import Datum

Array = npt.NDArray[Any]

FLOAT_TAG = 6 << 3 | 5
"""The byte before each number of ``float_data`` in a serialized Datum."""


def parse_datum(value: bytes, name: object) -> Datum:
    """The Datum in *value*. Errors: DataError that calls the record *name* (``record '00000017'``)."""
    try:
        return datum_class().FromString(value)
    except DecodeError:
        raise DataError(f"{name} must be a Datum", got=f"{len(value)} bytes that are none") from None


def datum_to_array(datum: Datum, name: object = "the Datum", color: bool | None = None, value: bytes = b"") -> Array:
    """The values of *datum* as C x H x W: uint8 where it has ``data``, float32 where it has ``float_data``.

    An encoded image is decoded, in the order blue, green, red; *color* True makes it three channels, False one (other
    Datums are left as they are). *value*, the message as bytes, makes ``float_data`` faster to read.
    Errors: DataError when the sizes do not fit each other.
    """
    if datum.encoded:
        return images.to_planes(images.decode(datum.data, str(name), color))
    shape = datum.channels, datum.height, datum.width
    count = shape[0] * shape[1] * shape[2]
    if min(shape) < 1:
        raise DataError(f"{name}: channels, height and width must be at least 1", got=_by(shape))
    data = datum.data
    stored = len(data) or len(datum.float_data)
    if stored != count:
        what = "bytes of data" if data else "values of float_data"
        raise DataError(f"{name}: {_by(shape)} makes {count} {what}", got=str(stored))
    flat = np.frombuffer(data, np.uint8) if data else _floats(datum, value)
    return flat.reshape(shape)


def array_to_datum(array: npt.ArrayLike, label: int | None = None) -> Datum:
    """A Datum of *array*, C x H x W: ``data`` for uint8, ``float_data`` for any other type.

    Errors: DataError for an array that has not three axes.
    """
    values = np.asarray(array)
    if values.ndim != 3:
        raise DataError("the array of a Datum has three axes: channels, height, width", got=str(values.shape))
    channels, height, width = values.shape
    datum = datum_class()(channels=channels, height=height, width=width)
    if values.dtype == np.uint8:
        datum.data = values.tobytes()
    elif values.size:
        datum.MergeFromString(_float_bytes(values))
    if label is not None:
        datum.label = label
    return datum


@cache
def datum_class() -> type[Datum]:
    """The message class, of Caffe's own schema."""
    return Schema.stock().Datum


def _floats(datum: Datum, value: bytes) -> Array:
    """``float_data`` from the bytes, where it stands at their end, as Caffe and Cortado write it."""
    count = len(datum.float_data)
    head, tail = value[: -5 * count], value[-5 * count :]
    if len(tail) == 5 * count:
        rows = np.frombuffer(tail, np.uint8).reshape(count, 5)
        if (rows[:, 0] == FLOAT_TAG).all() and _has_none(head):
            return rows[:, 1:].copy().view("<f4").ravel()
    return np.array(datum.float_data, np.float32)


def _has_none(head: bytes) -> bool:
    """Whether *head* is a whole message without ``float_data``, so that all of it stands after *head*."""
    try:
        return not datum_class().FromString(head).float_data
    except DecodeError:
        return False


def _float_bytes(values: Array) -> bytes:
    rows = np.empty((values.size, 5), np.uint8)
    rows[:, 0] = FLOAT_TAG
    rows[:, 1:] = np.ascontiguousarray(values, "<f4").reshape(-1, 1).view(np.uint8)
    return rows.tobytes()


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
