"""Clip: values kept between two bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class Clip(KeepingLayer):
    """Every element, cut to the range from min to max.

    Forward ``y = max(min, x)`` where x < max, ``y = max`` elsewhere.
    Backward ``dx = dy`` where min <= x <= max, ``dx = 0`` elsewhere.

    Bottom and top: any shape, the same. In place the layer keeps a copy of its bottom (Caffe lets all gradients pass
    there).

    Parameters, in ``clip_param``: ``min`` (required) and ``max`` (required), min not above max.
    Errors: ParameterError for bounds that are missing or in the wrong order.

    Example::

        layer { name: "relu6" type: "Clip" bottom: "conv1" top: "relu6" clip_param { min: 0 max: 6 } }

    Source: Caffe's Clip layer.
    """

    type: ClassVar[str] = "Clip"
    param_field: ClassVar[str | None] = "clip_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        for field in ("min", "max"):
            if not self.param.HasField(field):
                self.fail(f"clip_param needs both min and max, and {field} is missing")
        if not self.param.min <= self.param.max:
            self.fail("min must not be above max", "min", got=f"min {self.param.min:g}, max {self.param.max:g}")

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.clip_forward(self.keep(bottom, top), top[0].data, self.param.min, self.param.max)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            x, low, high = self.kept(bottom, top), self.param.min, self.param.max
            self.engine.clip_backward(x, top[0].diff, bottom[0].diff, low, high)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Clip]
