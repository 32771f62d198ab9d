"""Scale: multiplies by a learned array, or another bottom, along some axes; with a bias if asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..plugins import hookimpl
from .arity import Arity, between
from .blob import Array, Blob
from .broadcast import along_channels, operand_shape, operand_view
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class Scale(KeepingLayer):
    """Multiplies by a factor that has some consecutive axes of the input, and is the same along all others.

    Forward ``y = x · s``, or ``y = x · s + b`` with ``bias_term``, s and b repeated along the axes they lack.
    Backward ``dx = dy · s``; ``ds = sum of x · dy`` and ``db = sum of dy`` over those axes.

    Bottom: x of any shape, and s if it is not learned: a second bottom whose shape is that of x from ``axis`` on. Top:
    the shape of x. In place the layer keeps a copy of x where the gradient of s needs it. Learned: s with one bottom,
    then b with ``bias_term``; both of the shape that the parameters say, or that of the second bottom. Their gradients
    always accumulate (Caffe overwrites that of s where it spans the first axis).

    Parameters, in ``scale_param``: ``axis`` (1), the first axis of x that s has, negative ones from the end;
    ``num_axes`` (1), how many it has: -1 for all from ``axis`` on, 0 for a single number (without meaning with two
    bottoms); ``filler`` (constant 1), how a learned s begins; ``bias_term`` (false), whether to learn b;
    ``bias_filler`` (constant 0), how it begins.
    Errors: ParameterError for num_axes below -1; ShapeError for axes that x does not have, or sizes that do not fit.

    Example::

        layer { name: "scale1" type: "Scale" bottom: "bn1" top: "bn1" scale_param { bias_term: true } }

    Source: Caffe's Scale layer; with BatchNorm before it, Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    type: ClassVar[str] = "Scale"
    param_field: ClassVar[str | None] = "scale_param"
    bottoms: ClassVar[Arity] = between(1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        learned = len(bottom) == 1
        shape = operand_shape(self, bottom[0]) if learned else bottom[1].shape
        if learned:
            self.add_param(shape, self.param.filler if self.param.HasField("filler") else None, value=1.0)
        if self.param.bias_term:
            self.add_param(shape, self.param.bias_filler if self.param.HasField("bias_filler") else None)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._view = operand_view(self, bottom[0], self._scale(bottom))
        if self.param.bias_term and self.blobs[-1].shape != self._scale(bottom).shape:
            self.fail_shape("the bias must keep the shape of the scale", self.blobs[-1], self._scale(bottom))

    def repeats(self) -> bool:
        return len(self.config.bottom) == 1

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        keeps = len(bottom) == 2 or self.param_propagate_down[0]
        x = self.keep(bottom, top) if keeps else bottom[0].data
        bias = self.blobs[-1].data.reshape(-1) if self.param.bias_term else None
        self.engine.scale_forward(x.reshape(self._view), self._factors(bottom), bias, top[0].data.reshape(self._view))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff.reshape(self._view)
        if self.param.bias_term and self.param_propagate_down[-1]:
            self.engine.bias_backward(dy, self.blobs[-1].diff.reshape(-1))
        scale = self._scale(bottom)
        if propagate_down[1] if len(bottom) == 2 else self.param_propagate_down[0]:
            if len(bottom) == 2:
                scale.diff.fill(0)
            x = self.kept(bottom, top).reshape(self._view)
            self.engine.scale_backward_scale(x, dy, scale.diff.reshape(-1))
        if propagate_down[0]:
            self.engine.scale_backward_data(dy, self._factors(bottom), bottom[0].diff.reshape(self._view))

    def channel_affine(self, bottom: Blob) -> tuple[Array, Array] | None:
        if len(self.blobs) != 1 + self.param.bias_term or not along_channels(self, bottom, self.blobs[0]):
            return None
        factor = self.blobs[0].data.astype(np.float64)
        return factor, self.blobs[1].data.astype(np.float64) if self.param.bias_term else np.zeros_like(factor)

    def _scale(self, bottom: Blobs) -> Blob:
        return bottom[1] if len(bottom) == 2 else self.blobs[0]

    def _factors(self, bottom: Blobs) -> Array:
        return self._scale(bottom).data.reshape(-1)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Scale]
