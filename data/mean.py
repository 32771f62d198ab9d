"""Mean files: the average of all records of a data set, as a BlobProto (``mean.binaryproto``)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, FormatError
from ..proto import Schema, array_to_blob, atomic_write, blob_to_array, read_binary
from .datum import datum_to_array, parse_datum
from .finite import check_finite
from .sources import Record

Array = npt.NDArray[Any]


def read_mean(path: str | Path) -> Array:
    """The mean in *path* as C x H x W, float32. Errors: FileError; FormatError for another kind of file or shape."""
    try:
        values = blob_to_array(read_binary(path, Schema.stock().BlobProto))
    except FormatError as error:
        raise error.located(str(Path(path).absolute())) from None
    shape = values.shape
    while values.ndim > 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 3:
        rule = "a mean file holds one blob of 1 x channels x height x width"
        raise FormatError(rule, where=str(Path(path).absolute()), got=str(shape))
    check_finite(values, f"mean file {Path(path).absolute()}")
    return values.astype(np.float32, copy=False)


def write_mean(path: str | Path, mean: Array) -> None:
    """Write *mean*, C x H x W, with its shape given in the way that all versions of Caffe read."""
    blob = Schema.stock().BlobProto()
    array_to_blob(mean.astype(np.float32), blob)
    blob.ClearField("shape")
    blob.num = 1
    blob.channels, blob.height, blob.width = mean.shape
    atomic_write(path, blob.SerializeToString())


def compute_mean(records: Iterable[Record]) -> tuple[Array, int]:
    """The mean of *records* (C x H x W, float32, summed in float64), and how many there were.

    Errors: DataError for a record of another size than the first, or when there is none.
    """
    total: Array | None = None
    count = 0
    for record in records:
        values = datum_to_array(parse_datum(record.value, record.name), record.name, value=record.value)
        if total is None:
            total = np.zeros(values.shape)
        if values.shape != total.shape:
            rule = f"a mean needs records of one size, {total.shape}; {record.name} differs"
            raise DataError(
                rule, got=str(values.shape), hint="convert the images with one size (--resize-height, --resize-width)"
            )
        total += values
        count += 1
    if total is None:
        raise DataError("a mean needs at least one record")
    return (total / count).astype(np.float32), count
