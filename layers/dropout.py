"""Dropout: units switched off at random while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..plugins import hookimpl
from .blob import Blob
from .context import Phase
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class Dropout(NeuronLayer):
    """Sets each element to 0 with probability ``dropout_ratio`` while training, and scales up those that stay.

    Forward in the TRAIN phase ``y = x · m / (1 - ratio)`` with m drawn anew each time, 1 with probability 1 - ratio and
    else 0; in the TEST phase ``y = x``. The expected value is x in both.
    Backward ``dx = dy · m / (1 - ratio)`` with the m of the forward, or ``dx = dy``.

    Bottom and top: any shape, the same; in place allowed. Parameters, ``dropout_param``: ``dropout_ratio`` (0.5),
    from 0 up to but not including 1. Errors: ParameterError for another ratio.

    Example::

        layer { name: "drop6" type: "Dropout" bottom: "fc6" top: "fc6" dropout_param { dropout_ratio: 0.5 } }

    Source: Caffe's Dropout layer; Srivastava et al., "Dropout: a simple way to prevent neural networks from
    overfitting", 2014.
    """

    type: ClassVar[str] = "Dropout"
    param_field: ClassVar[str | None] = "dropout_param"
    stochastic: ClassVar[bool] = True
    keeps_sign: ClassVar[bool] = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.ratio: float = self.param.dropout_ratio
        if not 0 <= self.ratio < 1:
            rule = "dropout_ratio must be from 0 up to, but not including, 1"
            self.fail(rule, "dropout_ratio", got=f"{self.ratio:g}")
        self.scale = 1 / (1 - self.ratio)
        self.drops = self.phase == Phase.TRAIN and self.ratio > 0
        self.mask = Blob((0,), np.uint8, f"{self.name} mask")
        self.uniform = Blob((0,), np.float32, f"{self.name} draws")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.mask.reshape_like(bottom[0])
        self.uniform.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self.drops:
            draws = self.uniform.data
            self.rng.random(out=draws, dtype=np.float32)
            self.engine.xp.greater_equal(draws, self.ratio, out=self.mask.data)
            self.engine.dropout_forward(bottom[0].data, self.mask.data, top[0].data, self.scale)
        elif top[0] is not bottom[0]:
            self.engine.copy(bottom[0].data, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self.drops:
            self.engine.dropout_backward(top[0].diff, self.mask.data, bottom[0].diff, self.scale)
        elif top[0] is not bottom[0]:
            self.engine.copy(top[0].diff, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Dropout]
