"""Transpose: the axes in another order, under CTPN's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Blobs
from ..axes import AxesLayer
from ..rcnn.tables import FAST_RCNN
from ..table import Table
from .tables import CTPN


class Transpose(AxesLayer):
    """Changes the order of the axes: axis i of the top is axis ``dim[i]`` of the bottom.

    Forward ``y[i_dim[0], i_dim[1], …] = x[i_0, i_1, …]``; backward the same the other way round.

    Bottom: any shape. Top: the same numbers, with the axes in their new order.

    Parameters, in ``transpose_param``: ``dim``, every axis of the bottom once.
    Errors: ParameterError for anything else.

    Example::

        layer {
          name: "t" type: "Transpose" bottom: "conv" top: "t" transpose_param { dim: 3 dim: 2 dim: 0 dim: 1 }
        }

    Source: CTPN's Transpose layer (Tian et al., "Detecting Text in Natural Image with Connectionist Text Proposal
    Network", 2016).
    """

    type: ClassVar[str] = "Transpose"
    param_field: ClassVar[str | None] = "transpose_param"
    tables: ClassVar[Sequence[Table]] = (FAST_RCNN, CTPN)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        order = list(self.param.dim)
        if sorted(order) != list(range(bottom[0].num_axes)):
            self.fail(f"dim must name each of the {bottom[0].num_axes} axes once", "dim", got=order)
        self.put_axes(bottom, top, order)
