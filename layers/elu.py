"""ELU: a rectifier that saturates below zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class ELU(KeepingLayer):
    """The exponential linear unit: the identity above zero, a curve that approaches -alpha below.

    Forward ``y = x`` for x > 0, ``y = alpha · (exp(x) - 1)`` elsewhere.
    Backward ``dx = dy`` for x > 0, ``dx = dy · (y + alpha)`` elsewhere.

    Bottom and top: any shape, the same. With alpha of at least 0 the sign of the top tells the sign of the bottom, so
    in place costs nothing; with a negative alpha a copy of the bottom is kept.

    Parameters, in ``elu_param``: ``alpha`` (1), the value -y approaches for small x.

    Example::

        layer { name: "elu1" type: "ELU" bottom: "conv1" top: "conv1" elu_param { alpha: 0.5 } }

    Source: Caffe's ELU layer; Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units",
    2015.
    """

    type: ClassVar[str] = "ELU"
    needs_top: ClassVar[str] = "values"
    param_field: ClassVar[str | None] = "elu_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._alpha = float(self.param.alpha)

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data if self._alpha >= 0 else self.keep(bottom, top)
        self.engine.elu_forward(x, top[0].data, self._alpha)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            x = bottom[0].data if self._alpha >= 0 else self.kept(bottom, top)
            self.engine.elu_backward(x, top[0].data, top[0].diff, bottom[0].diff, self._alpha)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [ELU]
