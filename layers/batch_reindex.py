"""BatchReindex: picks, repeats and reorders the images of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..plugins import hookimpl
from .arity import Arity, exactly
from .blob import Blob
from .context import LayerContext
from .indices import whole_numbers
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class BatchReindex(Layer):
    """A new batch, made of the rows of the old one that a list of indices names.

    Forward ``y[i] = x[index[i]]``; an index may come often or never.
    Backward ``dx[j] = sum of dy[i] over all i with index[i] = j``, 0 for rows never picked.

    Bottoms: x, (num, …); the indices, one axis, whole numbers from 0 to num - 1. Top: (number of indices, …).
    No parameters. No gradient goes to the indices.
    Errors: ShapeError for indices with other than one axis; DataError for an index out of range, with its place.

    Example::

        layer { name: "pick" type: "BatchReindex" bottom: "ip1" bottom: "index" top: "picked" }

    Source: Caffe's BatchReindex layer.
    """

    type: ClassVar[str] = "BatchReindex"
    bottoms: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._index = Blob(dtype=np.intp, name=f"{self.name} index")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x, index = bottom
        if index.num_axes != 1:
            self.fail_shape("the indices must have one axis", index)
        if not x.num_axes:
            self.fail_shape("the first bottom must have at least one axis", x)
        top[0].reshape(index.count, *x.shape[1:])
        self._index.reshape_like(index)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        index = whole_numbers(self, bottom[1], self._index, x.shape[0], "the number of rows")
        if index.size:
            self.engine.xp.take(x, index, axis=0, out=y, mode="clip")

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[1]:
            bottom[1].diff.fill(0)
        if propagate_down[0]:
            dx, dy = bottom[0].diff, top[0].diff
            dx.fill(0)
            for row, index in enumerate(self._index.data.tolist()):
                self.engine.axpy(1.0, dy[row : row + 1], dx[index : index + 1])


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [BatchReindex]
