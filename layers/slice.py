"""Slice: a blob cut into parts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from ..plugins import hookimpl
from .arity import Arity, at_least
from .layer import Blobs, Layer
from .strips import Strips


class Slice(Layer):
    """Cuts its bottom along one axis, in equal parts or where it is told to: the reverse of Concat.

    Forward copies each part; backward joins the parts' gradients. With one top nothing is copied: it shares the memory.

    Bottom: any shape that has the axis. Tops: one or more, equal to it in all other sizes. Parameters, ``slice_param``:
    ``axis`` (1), negative ones count from the end, or its old name ``slice_dim``; ``slice_point`` (none: equal
    parts), the places to cut before, rising, one less than there are tops.
    Errors: ParameterError for points that do not fit; ShapeError where equal parts are not possible.

    Example::

        layer {
          name: "slice" type: "Slice" bottom: "pair" top: "left" top: "right"
          slice_param { axis: 1 slice_point: 3 }
        }

    Source: Caffe's Slice layer.
    """

    type: ClassVar[str] = "Slice"
    param_field: ClassVar[str | None] = "slice_param"
    tops: ClassVar[Arity] = at_least(1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.HasField("axis") and self.param.HasField("slice_dim"):
            self.fail("axis and its old name slice_dim must not both be given", "slice_dim")
        points = len(self.param.slice_point)
        if points and points != len(top) - 1:
            rule = f"slice_point must be left out or given {len(top) - 1} times, one less than there are tops"
            self.fail(rule, "slice_point", got=f"{points} times")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        name = "slice_dim" if self.param.HasField("slice_dim") else "axis"
        axis = self.axis(bottom[0], getattr(self.param, name), name)
        shape = bottom[0].shape
        sizes = self._sizes(shape[axis], len(top))
        if not sizes:
            self.fail_shape(f"the size of axis {axis} must be a multiple of the {len(top)} tops", bottom[0])
        for blob, size in zip(top, sizes, strict=True):
            blob.reshape((*shape[:axis], size, *shape[axis + 1 :]))
        self.strips = Strips.along(shape, axis, sizes)
        if len(top) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def _sizes(self, size: int, tops: int) -> list[int]:
        """The sizes of the parts; empty if they cannot be equal."""
        points = [0, *self.param.slice_point, size]
        if len(points) == 2:
            return [] if size % tops else [size // tops] * tops
        sizes = [end - begin for begin, end in pairwise(points)]
        for index, part in enumerate(sizes):
            if part <= 0:
                at = min(index, len(points) - 3)
                rule = f"slice points must rise, from at least 1 to less than the size of the axis ({size})"
                self.fail(rule, "slice_point", at, got=list(self.param.slice_point))
        return sizes

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if len(top) > 1:
            for index, blob in enumerate(top):
                self.engine.copy(self.strips.of(bottom[0].data, index), self.strips.rows(blob.data, index))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if len(top) > 1 and propagate_down[0]:
            for index, blob in enumerate(top):
                self.engine.copy(self.strips.rows(blob.diff, index), self.strips.of(bottom[0].diff, index))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Slice]
