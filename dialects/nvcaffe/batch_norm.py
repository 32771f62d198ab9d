"""NVCaffe's BatchNorm, which may have a scale and a bias of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...layers import Array, Blob, Blobs, LayerContext
from ...layers.batch_norm import BatchNorm as StockBatchNorm
from ...layers.views import around
from ..fork_layer import ForkLayer
from ..ssd.tables import ANNOTATIONS, LAYERS
from ..table import Table
from .tables import DETECTNET, NVCAFFE17

if TYPE_CHECKING:
    from ...proto.caffe_pb2 import LayerParameter


class BatchNorm(ForkLayer, StockBatchNorm):
    """Gives every channel mean 0 and variance 1 and then, with ``scale_bias``, a learned deviation and mean.

    Forward ``y = s[c] · z + b[c]`` with z as of stock Caffe's BatchNorm, whose backward follows; ``ds = sum of dy · z``
    and ``db = sum of dy``. Without ``scale_bias`` it is that layer.

    Bottom and top: (num, channels, …), the same; in place allowed. Learned: the three blobs of statistics of the stock
    layer, of sizes channels, channels and 1, which the solver leaves alone; with ``scale_bias`` then s and b, of size
    channels.

    Parameters, in ``batch_norm_param``, beside the stock ones: ``scale_bias`` (false); ``scale_filler`` (constant 1);
    ``bias_filler`` (constant 0); ``engine`` is read and makes no difference.
    Errors: ShapeError, as the stock layer.

    Example::

        layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" batch_norm_param { scale_bias: true } }

    Source: NVCaffe's BatchNorm layer; Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    type: ClassVar[str] = "BatchNorm"
    reads: ClassVar[Sequence[str]] = tuple(
        f"BatchNormParameter.{name}" for name in ("scale_bias", "scale_filler", "bias_filler")
    )
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS, DETECTNET, NVCAFFE17)

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self.affine: bool = getattr(self.param, "scale_bias", False)
        self.normal = Blob(dtype=self.dtype, name=f"{self.name} normalized")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        if self.affine:
            for name, value in (("scale_filler", 1.0), ("bias_filler", 0.0)):
                filler = getattr(self.param, name) if self.param.HasField(name) else None
                self.add_param((self.blobs[0].count,), filler, value=value)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        axis = min(1, bottom[0].num_axes - 1)
        self.around_channels = around(bottom[0].shape, axis)
        self.normal.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if not self.affine:
            super().forward(bottom, top)
            return
        super().forward(bottom, [self.normal])
        scale, bias = (blob.data for blob in self.blobs[3:])
        view = self.around_channels
        self.engine.scale_forward(self.normal.data.reshape(view), scale, bias, top[0].data.reshape(view))

    def channel_affine(self, bottom: Blob) -> tuple[Array, Array] | None:
        plain = super().channel_affine(bottom)
        if plain is None or not self.affine:
            return plain
        scale, bias = (blob.data.astype(np.float64) for blob in self.blobs[3:])
        return plain[0] * scale, plain[1] * scale + bias

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not self.affine:
            super().backward(top, propagate_down, bottom)
            return
        view, (scale, bias) = self.around_channels, self.blobs[3:]
        dy = top[0].diff.reshape(view)
        if self.param_propagate_down[3]:
            self.engine.scale_backward_scale(self.normal.data.reshape(view), dy, scale.diff)
        if self.param_propagate_down[4]:
            self.engine.bias_backward(dy, bias.diff)
        if propagate_down[0]:
            self.engine.scale_backward_data(dy, scale.data, self.normal.diff.reshape(view))
            super().backward([self.normal], propagate_down, bottom)
