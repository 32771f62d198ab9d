"""Swish: the input times its own gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class Swish(KeepingLayer):
    """The input, gated by the logistic curve of itself; with beta 1 also called SiLU.

    Forward ``y = x · s(beta · x)``, where ``s(z) = 1 / (1 + exp(-z))``.
    Backward ``dx = dy · (beta · y + s(beta · x) · (1 - beta · y))``.

    Bottom and top: any shape, the same. In place the layer keeps a copy of its bottom.

    Parameters, in ``swish_param``: ``beta`` (1), how sharp the gate is; large values approach ReLU.

    Example::

        layer { name: "act1" type: "Swish" bottom: "conv1" top: "act1" swish_param { beta: 1 } }

    Source: Caffe's Swish layer; Ramachandran et al., "Searching for Activation Functions", 2017.
    """

    type: ClassVar[str] = "Swish"
    needs_top: ClassVar[str] = "values"
    param_field: ClassVar[str | None] = "swish_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._beta = float(self.param.beta)

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.swish_forward(self.keep(bottom, top), top[0].data, self._beta)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            x = self.kept(bottom, top)
            self.engine.swish_backward(x, top[0].data, top[0].diff, bottom[0].diff, self._beta)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Swish]
