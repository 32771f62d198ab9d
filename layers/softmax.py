"""Softmax: scores become probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer
from .views import around


class Softmax(NeuronLayer):
    """Makes positive numbers that sum to 1 along one axis.

    Forward ``y_c = exp(x_c - m) / sum_k exp(x_k - m)`` with m the largest of the x_c, so that nothing overflows.
    Backward ``dx_c = y_c (dy_c - sum_k y_k dy_k)``, from the top data alone, so the layer may run in place.

    Bottom and top: any shape that has the axis, the same. Parameters, ``softmax_param``: ``axis`` (1), negative ones
    count from the end; ``engine`` is read and makes no difference. Errors: ShapeError for an axis that is not there.

    Example::

        layer { name: "prob" type: "Softmax" bottom: "fc8" top: "prob" }

    Source: Caffe's Softmax layer; Bridle, "Probabilistic interpretation of feedforward classification network outputs",
    1990.
    """

    type: ClassVar[str] = "Softmax"
    needs_top: ClassVar[str] = "values"
    param_field: ClassVar[str | None] = "softmax_param"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.view = around(bottom[0].shape, self.axis(bottom[0], self.param.axis, "axis"))

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.softmax_forward(bottom[0].data.reshape(self.view), top[0].data.reshape(self.view))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            y, dy, dx = top[0].data, top[0].diff, bottom[0].diff
            self.engine.softmax_backward(y.reshape(self.view), dy.reshape(self.view), dx.reshape(self.view))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Softmax]
