"""Clip: values kept between two bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..plugins import hookimpl
from .blob import Blob
from .context import LayerContext
from .keeping import KeepingLayer
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


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

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._inside = Blob(dtype=np.bool_, name=f"{self.name} inside")
        self._below = Blob(dtype=np.bool_, name=f"{self.name} below")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        for field in ("min", "max"):
            if not self.param.HasField(field):
                self.fail(f"clip_param needs both min and max, and {field} is missing")
        if not self.param.min <= self.param.max:
            self.fail("min must not be above max", "min", got=f"min {self.param.min:g}, max {self.param.max:g}")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._inside.reshape_like(bottom[0])
        self._below.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.xp.clip(self.keep(bottom, top), self.param.min, self.param.max, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, x = self.engine.xp, self.kept(bottom, top)
        inside, below = self._inside.data, self._below.data
        xp.greater_equal(x, self.param.min, out=inside)
        xp.less_equal(x, self.param.max, out=below)
        xp.logical_and(inside, below, out=inside)
        xp.multiply(top[0].diff, inside, out=bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Clip]
