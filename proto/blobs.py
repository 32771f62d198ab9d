"""Arrays in and out of ``BlobProto``, without a Python object per number.

The numbers of a blob are packed in its bytes just as they are in an array, so both ways go through the bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from .wire import LENGTH, top_fields, varint

if TYPE_CHECKING:
    from . import caffe_pb2

LEGACY = ("num", "channels", "height", "width")
MOST_AXES = 32
MOST_ELEMENTS = 2**31 - 1
Array = NDArray[np.float32] | NDArray[np.float64]


def is_legacy(blob: caffe_pb2.BlobProto) -> bool:
    """Whether the shape is given the old way, by num, channels, height and width."""
    return any(blob.HasField(name) for name in LEGACY)


def blob_shape(blob: caffe_pb2.BlobProto) -> tuple[int, ...]:
    """The shape of *blob*; always four axes for an old one. Raises FormatError for a shape that no blob can have."""
    shape = tuple(getattr(blob, name) for name in LEGACY) if is_legacy(blob) else tuple(blob.shape.dim)
    if len(shape) > MOST_AXES:
        raise FormatError(f"a blob has at most {MOST_AXES} axes", got=str(len(shape)))
    if any(dim < 0 for dim in shape) or math.prod(shape) > MOST_ELEMENTS:
        raise FormatError(f"the axes of a blob are at least 0 and its count at most {MOST_ELEMENTS}", got=str(shape))
    return shape


def blob_to_array(blob: caffe_pb2.BlobProto, *, diff: bool = False) -> Array:
    """The values of *blob* (its gradient with ``diff=True``) as a new array, float32, or float64 if stored so.

    Raises FormatError when the count of values is not that of the shape.
    """
    shape = blob_shape(blob)
    kind = "diff" if diff else "data"
    name = f"double_{kind}" if len(getattr(blob, f"double_{kind}", ())) else kind
    count, stored = math.prod(shape), len(getattr(blob, name))
    if stored != count:
        hint = "its writer may keep the values in other fields" if not stored and not diff else None
        raise FormatError(f"a blob of shape {shape} has {count} values in '{name}'", got=str(stored), hint=hint)
    return _values(blob, name, stored).reshape(shape)


def array_to_blob(array: Array, blob: caffe_pb2.BlobProto, *, diff: bool = False) -> None:
    """Store *array* and its shape in *blob*: as it is for float64, as float32 for any other type.

    With ``diff=True`` it becomes the gradient beside the values. Raises FormatError above what protobuf can hold.
    """
    double = array.dtype == np.float64
    values = np.ascontiguousarray(array, dtype="<f8" if double else "<f4")
    if values.nbytes > MOST_ELEMENTS:
        raise FormatError(
            f"protobuf stores at most {MOST_ELEMENTS} bytes in one blob",
            got=f"{values.nbytes} for shape {array.shape}",
            hint="store the weights as HDF5",
        )
    kind = "diff" if diff else "data"
    for name in (kind, f"double_{kind}", *LEGACY):
        blob.ClearField(name)
    blob.shape.dim[:] = array.shape
    if values.size:
        number = blob.DESCRIPTOR.fields_by_name[f"double_{kind}" if double else kind].number
        head = varint(number << 3 | LENGTH) + varint(values.nbytes)
        blob.MergeFromString(head + values.tobytes())


def shapes_match(blob: caffe_pb2.BlobProto, shape: Sequence[int]) -> bool:
    """Whether the stored *blob* fits a blob of *shape*.

    An old four-axis shape fits any shape of up to four axes that equals it with ones put in front, as (1, 1, C, N)
    and (C, N) do.
    """
    stored, wanted = blob_shape(blob), tuple(shape)
    if is_legacy(blob):
        return len(wanted) <= len(LEGACY) and (1,) * (len(LEGACY) - len(wanted)) + wanted == stored
    return stored == wanted


def _values(blob: Any, name: str, count: int) -> Array:
    """The packed numbers of one field, copied out of the bytes of the message."""
    field = blob.DESCRIPTOR.fields_by_name[name]
    dtype = np.dtype("<f8" if field.type == field.TYPE_DOUBLE else "<f4")
    data = blob.SerializeToString()
    size = count * dtype.itemsize
    for found in top_fields(io.BytesIO(data), len(data)):
        if found.number == field.number and found.wire_type == LENGTH and found.end - found.body == size:
            return np.frombuffer(data, dtype, count, found.body).astype(dtype.newbyteorder("="))
    return np.array(getattr(blob, name), dtype.newbyteorder("="))
