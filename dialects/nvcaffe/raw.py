"""NVCaffe's raw blobs: values as bytes, in half precision or another type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import FormatError
from ...proto import array_to_blob, blob_shape

TYPES = {0: "<f8", 1: "<f4", 2: "<f2", 3: "<i4", 4: "<u4"}
"""By number in ``raw_data_type``: DOUBLE, FLOAT, FLOAT16, INT, UINT."""


def unpack(blob: Any, who: str) -> None:
    """Put the values of ``raw_data`` where stock Caffe has them, as float32 (float64 for DOUBLE).

    Errors: FormatError where there are more or fewer bytes than the shape needs.
    """
    dtype, shape = np.dtype(TYPES[blob.raw_data_type]), blob_shape(blob)
    needed = math.prod(shape) * dtype.itemsize
    if len(blob.raw_data) != needed:
        rule = f"a blob of shape {shape} in {dtype.name} has {needed} bytes in 'raw_data'"
        raise FormatError(rule, who=who, got=str(len(blob.raw_data)))
    values = np.frombuffer(blob.raw_data, dtype).reshape(shape)
    for name in ("raw_data", "raw_data_type", "raw_diff", "raw_diff_type"):
        blob.ClearField(name)
    array_to_blob(values.astype(np.float64) if dtype.itemsize == 8 else values.astype(np.float32), blob)
