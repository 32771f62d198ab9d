"""Reduction: a sum or a mean over the last axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ..plugins import hookimpl
from .blob import Blob
from .context import LayerContext
from .layer import Blobs, Layer, product

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter

SUM, ASUM, SUMSQ, MEAN = range(1, 5)


class Reduction(Layer):
    """Reduces each row, which is all from one axis on, to a number.

    Forward, over a row of n elements: SUM ``y = coeff · sum of x``; ASUM ``y = coeff · sum of |x|``;
    SUMSQ ``y = coeff · sum of x²``; MEAN ``y = coeff / n · sum of x``.
    Backward ``dx = dy · coeff`` for SUM, ``dy · coeff · sign(x)`` for ASUM (sign(0) = 0), ``dy · 2 · coeff · x`` for
    SUMSQ, ``dy · coeff / n`` for MEAN.

    Bottom: any shape with that axis. Top: the axes before it; none for axis 0. A row without elements gives 0.

    Parameters, in ``reduction_param``: ``operation`` (SUM), or ASUM, SUMSQ, MEAN; ``axis`` (0), the first axis of a
    row, negative ones from the end; ``coeff`` (1).
    Errors: ShapeError for an axis that is not there.

    Example::

        layer { name: "energy" type: "Reduction" bottom: "ip1" top: "energy" loss_weight: 1
                reduction_param { operation: SUMSQ coeff: 0.5 } }

    Source: Caffe's Reduction layer.
    """

    type: ClassVar[str] = "Reduction"
    param_field: ClassVar[str | None] = "reduction_param"

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._terms = Blob(dtype=self.dtype, name=f"{self.name} terms")
        self._factors = Blob(dtype=self.dtype, name=f"{self.name} factors")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        axis = self.axis(bottom[0], self.param.axis, "axis")
        shape = bottom[0].shape
        top[0].reshape(shape[:axis])
        self._view = (product(shape[:axis]), product(shape[axis:]))
        self._terms.reshape(self._view)
        self._factors.reshape(self._view[0], 1)
        self._coeff = float(self.param.coeff)
        if self.param.operation == MEAN:
            self._coeff /= max(1, self._view[1])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, operation = self.engine.xp, self.param.operation
        x, y = bottom[0].data.reshape(self._view), top[0].data.reshape(self._view[0])
        if operation == ASUM:
            x = xp.abs(x, out=self._terms.data)
        elif operation == SUMSQ:
            x = xp.multiply(x, x, out=self._terms.data)
        xp.sum(x, axis=1, out=y)
        self.engine.scale_by(self._coeff, y, y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, operation, factors = self.engine.xp, self.param.operation, self._factors.data
        x, dx = bottom[0].data.reshape(self._view), bottom[0].diff.reshape(self._view)
        coeff = 2 * self._coeff if operation == SUMSQ else self._coeff
        self.engine.scale_by(coeff, top[0].diff.reshape(factors.shape), factors)
        if operation == SUMSQ:
            xp.multiply(x, factors, out=dx)
        elif operation == ASUM:
            xp.sign(x, out=dx)
            xp.multiply(dx, factors, out=dx)
        else:
            xp.copyto(dx, factors)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Reduction]
