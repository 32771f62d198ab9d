"""Threshold: 1 above a value, 0 elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class Threshold(NeuronLayer):
    """A step function of every element.

    Forward ``y = 1`` where x > threshold, ``y = 0`` elsewhere, at the threshold itself too.
    Backward ``dx = 0``: the function is flat wherever it has a derivative. (Caffe stops instead.)

    Bottom and top: any shape, the same; in place allowed.

    Parameters, in ``threshold_param``: ``threshold`` (0).

    Example::

        layer { name: "hot" type: "Threshold" bottom: "prob" top: "hot" threshold_param { threshold: 0.5 } }

    Source: Caffe's Threshold layer.
    """

    type: ClassVar[str] = "Threshold"
    param_field: ClassVar[str | None] = "threshold_param"
    no_gradient_to: ClassVar[tuple[int, ...]] = (0,)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.xp.greater(bottom[0].data, self.param.threshold, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff.fill(0)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Threshold]
