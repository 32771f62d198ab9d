"""Bias: adds a learned array, or another bottom, along some axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..plugins import hookimpl
from .arity import Arity, between
from .blob import Array, Blob
from .broadcast import along_channels, operand_shape, operand_view
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class Bias(NeuronLayer):
    """Adds a bias that has some consecutive axes of the input, and is the same along all others.

    Forward ``y = x + b``, b repeated along the axes it lacks.
    Backward ``dx = dy``; ``db = sum of dy`` over those axes.

    Bottom: x of any shape, and b if it is not learned: a second bottom whose shape is that of x from ``axis`` on.
    Top: the shape of x; in place allowed. Learned, with one bottom: b, of the shape that the parameters say.

    Parameters, in ``bias_param``: ``axis`` (1), the first axis of x that b has, negative ones from the end;
    ``num_axes`` (1), how many it has: -1 for all from ``axis`` on, 0 for a single number (without meaning with two
    bottoms); ``filler`` (constant 0), how a learned b begins.
    Errors: ParameterError for num_axes below -1; ShapeError for axes that x does not have, or sizes that do not fit.

    Example::

        layer { name: "bias1" type: "Bias" bottom: "conv1" top: "conv1" bias_param { filler { value: 0.1 } } }

    Source: Caffe's Bias layer.
    """

    type: ClassVar[str] = "Bias"
    param_field: ClassVar[str | None] = "bias_param"
    bottoms: ClassVar[Arity] = between(1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if len(bottom) == 1:
            filler = self.param.filler if self.param.HasField("filler") else None
            self.add_param(operand_shape(self, bottom[0]), filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._view = operand_view(self, bottom[0], self._bias(bottom))

    def repeats(self) -> bool:
        return len(self.config.bottom) == 1

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data.reshape(self._view), top[0].data.reshape(self._view)
        self.engine.bias_forward(x, self._bias(bottom).data.reshape(-1), y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff.reshape(self._view)
        if len(bottom) == 2 and propagate_down[1]:
            bottom[1].diff.fill(0)
            self.engine.bias_backward(dy, bottom[1].diff.reshape(-1))
        elif len(bottom) == 1 and self.param_propagate_down[0]:
            self.engine.bias_backward(dy, self.blobs[0].diff.reshape(-1))
        if propagate_down[0] and top[0] is not bottom[0]:
            self.engine.copy(top[0].diff, bottom[0].diff)

    def channel_affine(self, bottom: Blob) -> tuple[Array, Array] | None:
        if not self.blobs or not along_channels(self, bottom, self.blobs[0]):
            return None
        shift = self.blobs[0].data.astype(np.float64)
        return np.ones_like(shift), shift

    def _bias(self, bottom: Blobs) -> Blob:
        return bottom[1] if len(bottom) == 2 else self.blobs[0]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Bias]
