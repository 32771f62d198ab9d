"""Reshape: the same numbers in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .blob import Shape
from .layer import Blobs, Layer, product


class Reshape(Layer):
    """Gives a blob another shape with as many elements. Nothing is copied: the top shares the bottom's memory.

    Forward ``y = x``, backward ``dx = dy``, in another shape.

    The ``num_axes`` axes from ``axis`` on are replaced by the sizes in ``shape``: a 0 copies the size of the bottom
    at that place, and one -1 stands for what is left over.

    Bottom: any shape. Top: what the parameters say. Parameters, ``reshape_param``: ``shape { dim: … }`` (no axes);
    ``axis`` (0), where -1 is behind the last axis; ``num_axes`` (-1: all to the end; 0 inserts).
    Errors: ParameterError for axes that are not there, two -1, a 0 without its axis; ShapeError if the count changes.

    Example, N × C × H × W to N × C × (H · W)::

        layer { name: "r" type: "Reshape" bottom: "x" top: "y" reshape_param { shape { dim: 0 dim: 0 dim: -1 } } }

    Source: Caffe's Reshape layer.
    """

    type: ClassVar[str] = "Reshape"
    param_field: ClassVar[str | None] = "reshape_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.dims: list[int] = list(self.param.shape.dim)
        for index, dim in enumerate(self.dims):
            if dim < -1:
                rule = "dims must be positive, 0 to copy, or -1 to work out"
                self.fail(rule, "shape", "dim", index, got=dim)
        if self.dims.count(-1) > 1:
            self.fail("only one dim may be -1, to be worked out", "shape", "dim", got=self.dims)
        if self.param.num_axes < -1:
            self.fail("num_axes must be at least 0, or -1 for all to the end", "num_axes", got=self.param.num_axes)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        shape = bottom[0].shape
        start, end = self._replaced(shape)
        middle = self._middle(shape, start)
        if -1 in middle:
            known = product(shape[:start]) * product(shape[end:]) * product(tuple(d for d in middle if d != -1))
            if not known or bottom[0].count % known:
                rule = f"the number of elements ({bottom[0].count}) must be a multiple of the given sizes ({known})"
                self.fail_shape(rule, bottom[0])
            middle = tuple(bottom[0].count // known if d == -1 else d for d in middle)
        result = (*shape[:start], *middle, *shape[end:])
        if product(result) != bottom[0].count:
            sizes = "x".join(map(str, result))
            self.fail_shape(
                f"the number of elements must stay {bottom[0].count}, and {sizes} has {product(result)}", bottom[0]
            )
        top[0].reshape(result)
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def _replaced(self, shape: Shape) -> tuple[int, int]:
        """From and up to which axis the bottom's sizes are replaced."""
        axes, axis, count = len(shape), self.param.axis, self.param.num_axes
        start = axis if axis >= 0 else axes + axis + 1
        if not 0 <= start <= axes:
            self.fail(f"axis must be from {-axes - 1} to {axes} for a bottom of {axes} axes", "axis", got=axis)
        if start + count > axes:
            self.fail(f"num_axes must be at most {axes - start}, the axes from {start} on", "num_axes", got=count)
        return start, axes if count == -1 else start + count

    def _middle(self, shape: Shape, start: int) -> Shape:
        """The new sizes, with those to copy filled in."""
        middle = list(self.dims)
        for index, dim in enumerate(middle):
            if dim == 0:
                if start + index >= len(shape):
                    rule = f"dim 0 copies axis {start + index}, which a bottom of {len(shape)} axes does not have"
                    self.fail(rule, "shape", "dim", index)
                middle[index] = shape[start + index]
        return tuple(middle)

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to do: the top looks at the bottom's memory."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing to do: the bottom's diff is the top's."""


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Reshape]
