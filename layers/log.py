"""Log: logarithms to a base."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .blob import Array, Blob
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class Log(KeepingLayer):
    """The logarithm of an affine function of every element.

    Forward ``y = log(shift + scale · x) / log(base)``.
    Backward ``dx = dy · scale / ((shift + scale · x) · log(base))``.

    Bottom and top: any shape, the same. In place the layer keeps a copy of its bottom (Caffe's gradient is wrong
    there). The logarithm of 0 is -inf, that of a negative number NaN.

    Parameters, in ``log_param``: ``base`` (-1, which stands for e), otherwise above 0 and not 1; ``scale`` (1);
    ``shift`` (0).
    Errors: ParameterError for another base.

    Example::

        layer { name: "log1" type: "Log" bottom: "x" top: "log1" log_param { base: 10 shift: 1 } }

    Source: Caffe's Log layer.
    """

    type: ClassVar[str] = "Log"
    param_field: ClassVar[str | None] = "log_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        base = self.param.base
        if base != -1 and (not base > 0 or base == 1):
            self.fail("base must be above 0 and not 1, or -1 for e", "base", got=f"{base:g}")
        self._divisor = Blob(dtype=self.dtype, name=f"{self.name} divisor")
        self._per_log = 1.0 if base == -1 else 1.0 / math.log(base)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, y = self.engine.xp, top[0].data
        self._affine(self.keep(bottom, top), y)
        with xp.errstate(all="ignore"):
            xp.log(y, out=y)
        self.engine.scale_by(self._per_log, y, y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, dx = self.engine.xp, bottom[0].diff
        divisor = dx
        if top[0] is bottom[0]:  # then dx holds dy
            self._divisor.reshape_like(bottom[0])
            divisor = self._divisor.data
        self._affine(self.kept(bottom, top), divisor)
        with xp.errstate(all="ignore"):
            xp.divide(top[0].diff, divisor, out=dx)
        self.engine.scale_by(self._per_log * self.param.scale, dx, dx)

    def _affine(self, x: Array, out: Array) -> None:
        """out = shift + scale · x."""
        self.engine.scale_by(self.param.scale, x, out)
        if self.param.shift:
            self.engine.xp.add(out, self.param.shift, out=out)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Log]
