"""Exp: powers of a base."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer
from .neuron import NeuronLayer


class Exp(NeuronLayer):
    """A base raised to an affine function of every element.

    Forward ``y = base ^ (shift + scale · x)``.
    Backward ``dx = dy · y · scale · log(base)``, from the top data, so the layer may run in place.

    Bottom and top: any shape, the same.

    Parameters, in ``exp_param``: ``base`` (-1, which stands for e), otherwise above 0; ``scale`` (1); ``shift`` (0).
    Errors: ParameterError for another base.

    Example::

        layer { name: "exp1" type: "Exp" bottom: "x" top: "exp1" exp_param { base: 2 scale: 0.5 } }

    Source: Caffe's Exp layer.
    """

    type: ClassVar[str] = "Exp"
    needs_top: ClassVar[str] = "values"
    param_field: ClassVar[str | None] = "exp_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.base != -1 and not self.param.base > 0:
            self.fail("base must be above 0, or -1 for e", "base", got=f"{self.param.base:g}")
        log_base = 1.0 if self.param.base == -1 else log(self.param.base)
        self._slope, self._start = log_base * self.param.scale, log_base * self.param.shift

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, y = self.engine.xp, top[0].data
        self.engine.scale_by(self._slope, bottom[0].data, y)
        with xp.errstate(all="ignore"):
            if self._start:
                xp.add(y, self._start, out=y)
            xp.exp(y, out=y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            dx = bottom[0].diff
            self.engine.multiply(top[0].diff, top[0].data, dx)
            self.engine.scale_by(self._slope, dx, dx)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Exp]
