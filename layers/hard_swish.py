"""HardSwish: Swish with a gate drawn with a ruler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class HardSwish(KeepingLayer):
    """The input, gated by a straight line from 0 at -3 to 1 at 3: cheap to compute, near to Swish.

    Forward ``y = x · min(1, max(0, x / 6 + 1 / 2))``.
    Backward ``dx = 0`` for x <= -3, ``dx = dy`` for x >= 3, ``dx = dy · (x / 3 + 1 / 2)`` between.

    Bottom and top: any shape, the same. No parameters. In place the layer keeps a copy of its bottom.

    Example::

        layer { name: "act1" type: "HardSwish" bottom: "conv1" top: "act1" }

    Source: Howard et al., "Searching for MobileNetV3", 2019.
    """

    type: ClassVar[str] = "HardSwish"

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.hard_swish_forward(self.keep(bottom, top), top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.hard_swish_backward(self.kept(bottom, top), top[0].diff, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [HardSwish]
