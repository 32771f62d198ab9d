"""Split: one blob for several readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .arity import Arity, at_least
from .layer import Blobs, Layer


class Split(Layer):
    """Gives one blob to several layers. Nets insert it themselves where a blob has more than one reader.

    Forward: every top is the bottom; nothing is copied, they share its memory. Backward ``dx = sum of the dy_i``.

    Bottom: any shape. Tops: one or more, the same. No parameters.

    Example::

        layer { name: "split" type: "Split" bottom: "data" top: "data_a" top: "data_b" }

    Source: Caffe's Split layer.
    """

    type: ClassVar[str] = "Split"
    tops: ClassVar[Arity] = at_least(1)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in top:
            blob.reshape_like(bottom[0])
            blob.share_data(bottom[0])
        self.ones = [1.0] * len(top)

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to do: the tops look at the bottom's memory."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.eltwise_sum([blob.diff for blob in top], self.ones, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Split]
