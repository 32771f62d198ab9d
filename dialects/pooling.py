"""Pooling with the older switch for rounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..layers import Blobs
from ..layers.pooling import FLOOR, Pooling


class CeilModePooling(Pooling):
    """Pooling whose output size is rounded as ``ceil_mode`` says.

    Forward and backward as Pooling; ``ceil_mode: false`` is what the stock layer calls ``round_mode: FLOOR``.

    Bottom and tops: as Pooling. Parameters, in ``pooling_param``, beside the stock ones: ``ceil_mode`` (true).
    Errors: as Pooling.

    Example::

        layer {
          name: "pool" type: "Pooling" bottom: "conv" top: "pool"
          pooling_param { pool: MAX kernel_size: 3 stride: 2 ceil_mode: false }
        }

    Source: pull request 3057 of BVLC/caffe, which many nets were trained with.
    """

    type: ClassVar[str] = "Pooling"
    reads: ClassVar[Sequence[str]] = ("PoolingParameter.ceil_mode",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if not getattr(self.param, "ceil_mode", True):
            param = type(self.param)()
            param.CopyFrom(self.param)
            param.round_mode = FLOOR
            self.param = param
        super().setup(bottom, top)
