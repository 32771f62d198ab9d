"""Dropout with the switches that forks gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..layers import Blobs, Phase
from ..layers.dropout import Dropout


class ForkDropout(Dropout):
    """Dropout that may scale in testing instead of training, or drop in testing too.

    Forward in training ``y = x · mask / (1 - dropout_ratio)``, in testing ``y = x``. With ``scale_train: false``
    ``y = x · mask`` in training and ``y = x · (1 - dropout_ratio)`` in testing. With ``sample_weights_test`` testing is
    as training. Backward multiplies dy by the same.

    Bottom and top: any shape, the same; in place allowed.

    Parameters, in ``dropout_param``, beside ``dropout_ratio`` (0.5): ``scale_train`` (true), of Faster R-CNN;
    ``sample_weights_test`` (false), of SegNet.
    Errors: as Dropout.

    Example::

        layer { name: "drop6" type: "Dropout" bottom: "fc6" top: "fc6" dropout_param { scale_train: false } }

    Source: the Dropout layers of rbgirshick/caffe-fast-rcnn and alexgkendall/caffe-segnet.
    """

    type: ClassVar[str] = "Dropout"
    reads: ClassVar[Sequence[str]] = ("DropoutParameter.scale_train", "DropoutParameter.sample_weights_test")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.in_testing = 1.0
        if not getattr(self.param, "scale_train", True):
            self.in_testing, self.scale = 1 - self.ratio, 1.0
        if getattr(self.param, "sample_weights_test", False):
            self.drops = self.ratio > 0

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if not self.drops and self.phase == Phase.TEST and self.in_testing != 1:
            self.engine.scale_by(self.in_testing, bottom[0].data, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        if propagate_down[0] and not self.drops and self.phase == Phase.TEST and self.in_testing != 1:
            self.engine.scale_by(self.in_testing, top[0].diff, bottom[0].diff)
