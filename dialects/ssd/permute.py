"""Permute: the axes in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Blobs
from ..axes import AxesLayer
from ..table import Table
from .tables import ANNOTATIONS, LAYERS


class Permute(AxesLayer):
    """Changes the order of the axes.

    Forward ``y[i_order[0], i_order[1], …] = x[i_0, i_1, …]``: axis i of the top is axis ``order[i]`` of the bottom.
    Backward the same the other way round.

    Bottom: any shape. Top: the same numbers, with the axes in their new order.

    Parameters, in ``permute_param``: ``order``, axes of the bottom, none twice (none given: as it is); those left out
    follow in rising order.
    Errors: ParameterError for an axis given twice, or one that the bottom does not have.

    Example::

        layer {
          name: "conv_perm" type: "Permute" bottom: "conv" top: "conv_perm"
          permute_param { order: 0 order: 2 order: 3 order: 1 }
        }

    Source: SSD's Permute layer (Liu et al., "SSD: Single Shot MultiBox Detector", 2016).
    """

    type: ClassVar[str] = "Permute"
    param_field: ClassVar[str | None] = "permute_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        axes, given = bottom[0].num_axes, list(self.param.order)
        for index, axis in enumerate(given):
            if axis >= axes:
                self.fail(f"order must name axes of the bottom, 0 to {axes - 1}", "order", index, got=axis)
            if axis in given[:index]:
                self.fail("order must not name an axis twice", "order", index, got=axis)
        self.put_axes(bottom, top, [*given, *(axis for axis in range(axes) if axis not in given)])
