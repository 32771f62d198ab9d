"""BNLL: a rectifier with a round corner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class BNLL(KeepingLayer):
    """Binomial normal log likelihood, now mostly called softplus: a smooth form of ReLU.

    Forward ``y = log(1 + exp(x))``, computed without overflow for any x.
    Backward ``dx = dy · exp(x) / (1 + exp(x))``.

    Bottom and top: any shape, the same. No parameters. In place the layer keeps a copy of its bottom.

    Example::

        layer { name: "soft1" type: "BNLL" bottom: "ip1" top: "soft1" }

    Source: Caffe's BNLL layer; Dugas et al., "Incorporating Second-Order Functional Knowledge…", 2000.
    """

    type: ClassVar[str] = "BNLL"

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.bnll_forward(self.keep(bottom, top), top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.engine.bnll_backward(self.kept(bottom, top), top[0].diff, bottom[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [BNLL]
