"""SigmoidCrossEntropyLoss: yes or no, for each output by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .loss import BATCH_SIZE, LossLayer, Normalizer


class SigmoidCrossEntropyLoss(LossLayer):
    """The cross entropy between targets in [0, 1] and the sigmoid of the scores, element by element.

    Forward, with s the sigmoid of x: ``loss = -1/n · sum (t log s + (1 - t) log(1 - s))``, computed from x without
    overflow.
    Backward ``dx = weight / n · (s - t)``, and 0 where the target is ignored.

    Bottoms: the scores, any shape; the targets, as many numbers, which get no gradient. Top: the loss, without axes.
    Parameters, ``loss_param``: ``ignore_label`` (none);
    ``normalization`` (BATCH_SIZE here; FULL: all positions, VALID: those not ignored, BATCH_SIZE: items, NONE: 1), the
    divisor, never below 1; the old ``normalize``: true means VALID, false BATCH_SIZE. A target is ignored if it equals
    ignore_label once its fraction is dropped, so with ``ignore_label: 0`` fractions are ignored too.
    Errors: ShapeError where the number of targets does not fit.

    Example::

        layer { name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "scores" bottom: "tags" top: "loss" }

    Source: Caffe's SigmoidCrossEntropyLoss layer.
    """

    type: ClassVar[str] = "SigmoidCrossEntropyLoss"
    param_field: ClassVar[str | None] = "loss_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.normalizer = Normalizer.of(self.config, default=BATCH_SIZE)
        self.divisor = self.engine.zeros((), self.dtype)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].count != bottom[1].count:
            self.fail_shape("there must be one target for each score", *bottom)

    def repeats(self) -> bool:
        return True  # backward does; forward is told something, and is not repeated

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data
        target = bottom[1].data.reshape(x.shape)
        total, valid = self.engine.sigmoid_cross_entropy_forward(x, target, self.normalizer.ignore_label)
        self.divisor[...] = divisor = self.normalizer(x.shape[0], x.size, valid)
        top[0].data[...] = total / divisor

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if propagate_down[0]:
            x, ignore = bottom[0].data, self.normalizer.ignore_label
            target, dx = bottom[1].data.reshape(x.shape), bottom[0].diff
            self.engine.sigmoid_cross_entropy_backward(x, target, ignore, top[0].diff, self.divisor, dx)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [SigmoidCrossEntropyLoss]
