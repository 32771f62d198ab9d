"""A sample: an image and the boxes in it, as an AnnotatedDatum holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from ....data import check_finite, datum_to_array, parse_datum
from ....errors import DataError
from ....layers import Array
from ....proto import Schema
from ...combine import combine
from ..tables import ANNOTATIONS


@dataclass(frozen=True)
class Annotations:
    """The boxes of an image: ``boxes``, rows of (xmin, ymin, xmax, ymax) in units of the image's width and height, and
    for each a row of ``marks``: label, instance, and whether it is difficult (0 or 1)."""

    boxes: Array
    marks: Array

    def __len__(self) -> int:
        return len(self.boxes)

    def pick(self, which: Array, boxes: Array | None = None) -> Annotations:
        """Those of *which*, with other *boxes* if given."""
        return Annotations((self.boxes if boxes is None else boxes)[which], self.marks[which])

    def project(self, window: Array) -> Annotations:
        """As seen from *window*, a box: clipped to it, without those that lie outside."""
        boxes, size = self.boxes, window[2:] - window[:2]
        inside = (boxes[:, :2] < window[2:]).all(1) & (boxes[:, 2:] > window[:2]).all(1)
        seen = np.clip((boxes - np.tile(window[:2], 2)) / np.tile(size, 2), 0, 1)
        return self.pick(inside & (seen[:, 2:] > seen[:, :2]).all(1), seen)

    def mirror(self) -> Annotations:
        """Left and right exchanged."""
        left, top, right, bottom = self.boxes.T
        return replace(self, boxes=np.stack([1 - right, top, 1 - left, bottom], 1))


@dataclass(frozen=True)
class Sample:
    """``pixels``, H x W x C; ``annotations``; ``label`` of the whole image; and ``name``, the record's in messages."""

    pixels: Array
    annotations: Annotations
    label: int
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]


@cache
def datum_class() -> type[Any]:
    """The class of the message AnnotatedDatum."""
    found: type[Any] = combine(Schema.stock(), [ANNOTATIONS]).AnnotatedDatum
    return found


def parse_annotated(value: bytes, name: str) -> Any:
    """The AnnotatedDatum in *value*. Errors: DataError that calls the record *name*."""
    try:
        datum = datum_class().FromString(value)
    except DecodeError:
        datum = None
    if datum is None or not datum.HasField("datum"):
        rule = f"{name} must be an AnnotatedDatum, an image with its boxes"
        hint = "a database of plain Datums is read by a Data layer"
        raise DataError(rule, got=f"{len(value)} bytes that are none", hint=hint)
    return datum


def read_sample(value: bytes, name: str, color: bool | None = None) -> Sample:
    """The sample in a serialized AnnotatedDatum. *color*: as ``datum_to_array``. Errors: DataError."""
    annotated = parse_annotated(value, name)
    plain = annotated.datum.SerializeToString()
    array = datum_to_array(parse_datum(plain, name), name, color, plain)
    check_finite(array, name)
    rows = np.array(list(_rows(annotated)), np.float64).reshape(-1, 7)
    if not np.isfinite(rows).all():
        raise DataError(f"{name}: the corners of boxes must be finite numbers")
    return Sample(array.transpose(1, 2, 0), Annotations(rows[:, :4], rows[:, 4:]), annotated.datum.label, name)


def _rows(annotated: Any) -> Iterator[tuple[float, ...]]:
    for group in annotated.annotation_group:
        for one in group.annotation:
            box = one.bbox
            mark = (group.group_label, one.instance_id, box.difficult)
            yield (box.xmin, box.ymin, box.xmax, box.ymax, *mark)
