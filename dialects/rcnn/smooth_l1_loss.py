"""SmoothL1Loss: squared near zero, absolute beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Arity, Array, Blob, Blobs, between
from ...layers.loss import LossLayer
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import FAST_RCNN

OF_CAFFE_WINDOWS = "smoothl1_param"
"""The field under which caffe-windows has the same parameters."""


class SmoothL1Loss(ForkLayer, LossLayer):
    """A loss that grows with the square of small differences and, for the sake of outliers, straight with large ones.

    Forward ``loss = 1/N · sum of w_out · f(d)`` with ``d = w_in · (a - b)``, where ``f(d) = (sigma · d)² / 2`` for
    |d| < 1/sigma², and ``|d| - 0.5 / sigma²`` beyond.
    Backward ``da = weight / N · w_in · w_out · f'(d)`` with ``f'(d) = sigma² · d``, or the sign of d; ``db = -da``.

    Bottoms: a and b of the same shape, N the first size of a; w_in and w_out of the same shape, if given (SSD's third
    bottom is w_in; they get no gradient). Top: the loss, without axes.

    Parameters, in ``smooth_l1_loss_param``: ``sigma`` (1, greater than 0).
    Errors: ShapeError for bottoms of different shapes; ParameterError.

    Example::

        layer { name: "loss_bbox" type: "SmoothL1Loss" bottom: "bbox_pred" bottom: "bbox_targets" top: "loss_bbox" }

    Source: Girshick, "Fast R-CNN", 2015; SSD's layer of the same name.
    """

    type: ClassVar[str] = "SmoothL1Loss"
    param_field: ClassVar[str | None] = "smooth_l1_loss_param"
    tables: ClassVar[Sequence[Table]] = (FAST_RCNN,)
    bottoms: ClassVar[Arity] = between(2, 4)
    no_gradient_to: ClassVar[tuple[int, ...]] = (2, 3)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.difference, self.slope = Blob(dtype=self.dtype), Blob(dtype=self.dtype)
        if any(field.name == OF_CAFFE_WINDOWS for field, _ in self.config.ListFields()):
            self.param = getattr(self.config, OF_CAFFE_WINDOWS)
        if self.param.sigma <= 0:
            self.fail("sigma must be greater than 0", "sigma", got=self.param.sigma)
        self.square = float(self.param.sigma) ** 2

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in bottom[1:]:
            if blob.shape != bottom[0].shape:
                self.fail_shape("all bottoms must have the same shape", bottom[0], blob)
        if not bottom[0].shape:
            self.fail_shape("the bottoms must have a first axis, the batch", bottom[0])
        self.difference.reshape_like(bottom[0])
        self.slope.reshape_like(bottom[0])
        top[0].reshape(())

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = self.engine.xp.sum(self.losses(bottom)) / max(1, bottom[0].shape[0])

    def losses(self, bottom: Blobs) -> Array:
        """The weighted loss of each element; keeps what backward needs."""
        xp, d = self.engine.xp, self.difference.data
        xp.subtract(bottom[0].data, bottom[1].data, out=d)
        if len(bottom) > 2:
            xp.multiply(d, bottom[2].data, out=d)
        loss = self.slope.data
        xp.abs(d, out=loss)
        loss[...] = xp.where(loss < 1 / self.square, self.square * d * d / 2, loss - 0.5 / self.square)
        if len(bottom) > 3:
            xp.multiply(loss, bottom[3].data, out=loss)
        return loss

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        scale = float(top[0].diff) / max(1, bottom[0].shape[0])
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                self.gradient(bottom, sign * scale, bottom[index].diff)

    def gradient(self, bottom: Blobs, scale: float, out: Array) -> None:
        """Write *scale* times the gradient by the first bottom into *out*."""
        xp = self.engine.xp
        xp.multiply(self.difference.data, self.square, out=out)
        xp.clip(out, -1, 1, out=out)
        for weights in bottom[2:]:
            xp.multiply(out, weights.data, out=out)
        xp.multiply(out, scale, out=out)
