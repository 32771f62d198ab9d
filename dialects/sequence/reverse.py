"""Reverse: an axis from its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Blobs
from ..fork_layer import ForkLayer
from ..rcnn.tables import FAST_RCNN
from ..table import Table
from .tables import CTPN


class Reverse(ForkLayer):
    """Turns one axis round, such as time.

    Forward ``y[…, i, …] = x[…, n - 1 - i, …]`` along the axis, of n; backward the same.

    Bottom and top: any shape with that axis, the same.

    Parameters, in ``reverse_param``: ``axis`` (0), negative ones from the end.
    Errors: ShapeError for an axis that the bottom does not have.

    Example::

        layer { name: "r" type: "Reverse" bottom: "x" top: "r" reverse_param { axis: 0 } }

    Source: CTPN's Reverse layer (Tian et al., 2016).
    """

    type: ClassVar[str] = "Reverse"
    param_field: ClassVar[str | None] = "reverse_param"
    tables: ClassVar[Sequence[Table]] = (FAST_RCNN, CTPN)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.along = self.axis(bottom[0], self.param.axis, "axis")
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp = self.engine.xp
        xp.copyto(top[0].data, xp.flip(bottom[0].data, self.along))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            xp = self.engine.xp
            xp.copyto(bottom[0].diff, xp.flip(top[0].diff, self.along))
