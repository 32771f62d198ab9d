"""Filter: passes on the images that a selector marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ..plugins import hookimpl
from .arity import Arity, at_least
from .context import LayerContext
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class Filter(Layer):
    """The rows of each bottom for which the selector, the last bottom, is not 0.

    Forward ``y_j = the rows i of x_j with selector[i] != 0``, in order; there may be none.
    Backward ``dx_j = dy_j`` in those rows, ``dx_j = 0`` in the others.

    Bottoms: one or more blobs (num, …), then the selector: (num) or (num, 1, …). Tops: one for each but the selector,
    (number of rows selected, …); until the first forward their shapes are those of the bottoms.
    No parameters. No gradient goes to the selector.
    Errors: ParameterError for another number of tops; ShapeError for a selector of another shape, or rows that differ.

    Example::

        layer { name: "hard" type: "Filter" bottom: "data" bottom: "label" bottom: "is_hard"
                top: "hard" top: "hard_label" }

    Source: Caffe's Filter layer.
    """

    type: ClassVar[str] = "Filter"
    bottoms: ClassVar[Arity] = at_least(2)
    tops: ClassVar[Arity] = at_least(1)
    no_gradient_to: ClassVar[tuple[int, ...]] = (-1,)

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._rows: list[int] = []

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if len(top) != len(bottom) - 1:
            self.fail(f"there must be one top for each bottom but the last ({len(bottom) - 1})", "top", got=len(top))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        selector = bottom[-1]
        if not selector.num_axes or selector.count != selector.shape[0]:
            self.fail_shape("the selector, the last bottom, must have the shape (num) or (num, 1, ...)", selector)
        for x, y in zip(bottom, top, strict=False):
            if not x.num_axes or x.shape[0] != selector.shape[0]:
                self.fail_shape("all bottoms must have as many rows as the selector, the last one", x, selector)
            y.reshape_like(x)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self._rows = self.engine.xp.flatnonzero(bottom[-1].data).tolist()
        for x, y in zip(bottom, top, strict=False):
            y.reshape(len(self._rows), *x.shape[1:])
            for place, row in enumerate(self._rows):
                self.engine.copy(x.data[row : row + 1], y.data[place : place + 1])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for x, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                x.diff.fill(0)
        for x, y, wanted in zip(bottom, top, propagate_down, strict=False):
            if wanted:
                for place, row in enumerate(self._rows):
                    self.engine.copy(y.diff[place : place + 1], x.diff[row : row + 1])


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Filter]
