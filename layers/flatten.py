"""Flatten: several axes become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer, product


class Flatten(Layer):
    """Joins the axes from ``axis`` to ``end_axis`` to one. Nothing is copied: the top shares the bottom's memory.

    Forward ``y = x``, backward ``dx = dy``, in another shape.

    Bottom: any shape that has the axes. Top: the sizes before, the product of those joined, the sizes behind.
    Parameters, ``flatten_param``: ``axis`` (1), ``end_axis`` (-1); negative ones count from the end.
    Errors: ShapeError for axes that are not there; ParameterError for an end before the start.

    Example::

        layer { name: "flat" type: "Flatten" bottom: "pool5" top: "flat" }

    Source: Caffe's Flatten layer.
    """

    type: ClassVar[str] = "Flatten"
    param_field: ClassVar[str | None] = "flatten_param"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        first = self.axis(bottom[0], self.param.axis, "axis")
        last = self.axis(bottom[0], self.param.end_axis, "end_axis")
        if last < first:
            self.fail(f"end_axis must not be before axis ({first})", "end_axis", got=last)
        shape = bottom[0].shape
        top[0].reshape((*shape[:first], product(shape[first : last + 1]), *shape[last + 1 :]))
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to do: the top looks at the bottom's memory."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing to do: the bottom's diff is the top's."""


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Flatten]
