"""Concat: blobs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .arity import Arity, at_least
from .layer import Blobs, Layer
from .strips import Strips


class Concat(Layer):
    """Joins its bottoms along one axis, in order.

    Forward copies; backward gives each bottom its part of dy. With one bottom nothing is copied: the top shares its
    memory.

    Bottoms: one or more, equal in all sizes but that of the axis. Top: the sum of the sizes there. Parameters,
    ``concat_param``: ``axis`` (1), negative ones count from the end; or its old name ``concat_dim``.
    Errors: ParameterError if both are given; ShapeError for an axis that is not there, or sizes that do not fit.

    Example::

        layer { name: "concat" type: "Concat" bottom: "branch1" bottom: "branch2" top: "concat" }

    Source: Caffe's Concat layer.
    """

    type: ClassVar[str] = "Concat"
    param_field: ClassVar[str | None] = "concat_param"
    bottoms: ClassVar[Arity] = at_least(1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.HasField("axis") and self.param.HasField("concat_dim"):
            self.fail("axis and its old name concat_dim must not both be given", "concat_dim")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        name = "concat_dim" if self.param.HasField("concat_dim") else "axis"
        axis = self.axis(bottom[0], getattr(self.param, name), name)
        shape = bottom[0].shape
        for blob in bottom[1:]:
            if blob.num_axes != len(shape) or (*blob.shape[:axis], shape[axis], *blob.shape[axis + 1 :]) != shape:
                self.fail_shape(f"all bottoms must have the same shape, except at axis {axis}", bottom[0], blob)
        self.joined_axis = axis
        sizes = [blob.shape[axis] for blob in bottom]
        top[0].reshape((*shape[:axis], sum(sizes), *shape[axis + 1 :]))
        self.strips = Strips.along(top[0].shape, axis, sizes)
        if len(bottom) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if len(bottom) > 1:
            for index, blob in enumerate(bottom):
                self.engine.copy(self.strips.rows(blob.data, index), self.strips.of(top[0].data, index))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if len(bottom) > 1:
            for index, blob in enumerate(bottom):
                if propagate_down[index]:
                    self.engine.copy(self.strips.of(top[0].diff, index), self.strips.rows(blob.diff, index))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Concat]
