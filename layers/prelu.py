"""PReLU: a rectifier that learns its slope below zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .blob import Array, Shape
from .keeping import KeepingLayer
from .layer import Blobs, Layer, product


class PReLU(KeepingLayer):
    """The parametric rectifier: the identity above zero, a learned slope below.

    Forward ``y = max(x, 0) + a[c] · min(x, 0)``, c being the channel.
    Backward ``dx = dy`` for x > 0, ``dx = dy · a[c]`` elsewhere; ``da[c] = sum of dy · min(x, 0)`` over the channel.

    Bottom and top: 2 to 4 axes, (num, channels, …), the same. In place the layer keeps a copy of its bottom.
    Learned: the slopes ``a``, one per channel, or a single one without axes.

    Parameters, in ``prelu_param``: ``filler`` (constant 0.25), how the slopes begin; ``channel_shared`` (false), one
    slope for all channels.
    Errors: ShapeError for another number of axes, or channels that change later.

    Example::

        layer { name: "prelu1" type: "PReLU" bottom: "conv1" top: "conv1" prelu_param { channel_shared: true } }

    Source: Caffe's PReLU layer; He et al., "Delving Deep into Rectifiers", 2015.
    """

    type: ClassVar[str] = "PReLU"
    param_field: ClassVar[str | None] = "prelu_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if not 2 <= bottom[0].num_axes <= 4:
            hint = "a Reshape or Flatten layer before it can join axes"
            self.fail_shape("the bottom must have 2 to 4 axes, (num, channels, ...)", bottom[0], hint=hint)
        filler = self.param.filler if self.param.HasField("filler") else None
        shape = () if self.param.channel_shared else (bottom[0].shape[1],)
        self.add_param(shape, filler, value=0.25)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        slopes, shape = self.blobs[0], bottom[0].shape
        if slopes.num_axes and (len(shape) < 2 or shape[1] != slopes.count):
            self.fail_shape(f"the bottom must have {slopes.count} channels, as many as there are slopes", bottom[0])
        self._view: Shape = (1, 1, bottom[0].count)
        if slopes.num_axes:
            self._view = (shape[0], shape[1], product(shape[2:]))

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = self.keep(bottom, top), top[0].data
        self.engine.prelu_forward(x.reshape(self._view), self._slopes(), y.reshape(self._view))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        x, dy = self.kept(bottom, top).reshape(self._view), top[0].diff.reshape(self._view)
        if self.param_propagate_down[0]:
            self.engine.prelu_backward_slope(x, dy, self.blobs[0].diff.reshape(-1))
        if propagate_down[0]:
            self.engine.prelu_backward_data(x, self._slopes(), dy, bottom[0].diff.reshape(self._view))

    def _slopes(self) -> Array:
        return self.blobs[0].data.reshape(-1)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [PReLU]
