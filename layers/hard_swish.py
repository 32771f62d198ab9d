"""HardSwish: Swish with a gate drawn with a ruler."""

from __future__ import annotations

from typing import ClassVar

from ..plugins import hookimpl
from .blob import Array
from .layer import Layer
from .pointwise import PointwiseLayer


class HardSwish(PointwiseLayer):
    """The input, gated by a straight line from 0 at -3 to 1 at 3: cheap to compute, near to Swish.

    Forward ``y = x · min(1, max(0, x / 6 + 1 / 2))``.
    Backward ``dx = 0`` for x <= -3, ``dx = dy`` for x >= 3, ``dx = dy · (x / 3 + 1 / 2)`` between.

    Bottom and top: any shape, the same. No parameters. In place the layer keeps a copy of its bottom.

    Example::

        layer { name: "act1" type: "HardSwish" bottom: "conv1" top: "act1" }

    Source: Howard et al., "Searching for MobileNetV3", 2019.
    """

    type: ClassVar[str] = "HardSwish"

    def value(self, x: Array, out: Array) -> None:
        xp = self.engine.xp
        xp.multiply(x, 1 / 6, out=out)
        xp.add(out, 0.5, out=out)
        xp.clip(out, 0, 1, out=out)
        xp.multiply(out, x, out=out)

    def slope(self, x: Array, out: Array) -> None:
        xp, inside, above = self.engine.xp, self.work("inner", x), self.work("rest", x)
        xp.greater_equal(x, 3, out=above)
        xp.abs(x, out=inside)
        xp.less(inside, 3, out=inside)
        xp.clip(x, -3, 3, out=out)
        xp.multiply(out, 1 / 3, out=out)
        xp.add(out, 0.5, out=out)
        xp.multiply(out, inside, out=out)
        xp.add(out, above, out=out)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [HardSwish]
