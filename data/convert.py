"""Conversion of image files to the records of a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from . import images
from .datum import array_to_datum, datum_class
from .sources import Record

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import Datum

Array = npt.NDArray[Any]
SAME = {"jpeg": "jpg"}


@dataclass(frozen=True)
class Conversion:
    """What to make of an image file.

    *color* three channels, or one; *height*, *width* to resize to (0: as it is); *encode* "" to store pixels, a kind
    ("png", "jpg") to store a file of that kind, or "same" for the kind that each file has.
    """

    color: bool = True
    height: int = 0
    width: int = 0
    encode: str = ""

    def convert(self, path: Path, label: int) -> tuple[Datum, tuple[int, ...]]:
        """The Datum of an image, and its size (C, H, W). A colour file that already is of the right kind and size is
        stored byte for byte. Errors: DataError."""
        pixels = images.read_image(path, self.color, self.height, self.width)
        shape = images.to_planes(pixels).shape
        if not self.encode:
            return array_to_datum(images.to_planes(pixels), label), shape
        kind = _kind(path.suffix) if self.encode == "same" else _kind(self.encode)
        untouched = self.color and not self.height and _kind(path.suffix) == kind
        content = path.read_bytes() if untouched else images.encode(pixels, kind)
        return datum_class()(data=content, label=label, encoded=True), shape


def records_of_images(
    files: Iterable[tuple[str, Path, int]], conversion: Conversion, same_size: bool = False
) -> Iterator[Record | DataError]:
    """The records of *files* (name in the list, path, label), with keys ``00000000_NAME`` counted from 0.

    Where a file cannot be used its error comes instead of a record. With *same_size* an image of another size than the
    first is such an error.
    """
    first: tuple[int, ...] | None = None
    for number, (name, path, label) in enumerate(files):
        try:
            datum, shape = conversion.convert(path, label)
            first = first or shape
            if same_size and shape != first:
                raise DataError(f"image {path} must have the size of the first one, {first}", got=str(shape))
        except DataError as error:
            yield error
        else:
            yield Record(f"{number:08d}_{name}".encode("utf-8", "surrogateescape"), datum.SerializeToString())


def records_of_arrays(arrays: Array, labels: Array) -> Iterator[Record]:
    """The records of N x H x W or N x C x H x W values, with keys ``00000000`` counted from 0."""
    planes = arrays[:, None] if arrays.ndim == 3 else arrays
    for number, (values, label) in enumerate(zip(planes, np.asarray(labels).tolist(), strict=True)):
        yield Record(b"%08d" % number, array_to_datum(values, label).SerializeToString())


def _kind(ending: str) -> str:
    kind = ending.lower().removeprefix(".")
    return SAME.get(kind, kind)
