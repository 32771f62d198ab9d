"""SegNet's BN: batch normalization without running statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ...errors import NetError
from ...layers import Blob, Blobs, LayerContext, NeuronLayer
from ...layers.views import around
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import KENDALL, SEGNET

if TYPE_CHECKING:
    from ...proto.caffe_pb2 import LayerParameter

INFERENCE = 1
EPS = 1e-9


class BatchBN(ForkLayer, NeuronLayer):
    """Batch normalization with a learned scale and shift for each channel; or, for inference, these two alone.

    Forward with ``bn_mode: LEARN``, in both phases: ``y = scale[c] · z + shift[c]`` with ``z = (x - mean) / sqrt(var +
    1e-9)``, mean and variance those of the batch. With INFERENCE: ``y = scale[c] · x + shift[c]``: whoever made the
    weights has worked the statistics of the training data into them.
    Backward: ``dx`` as of BatchNorm for ``scale · dy``, or that itself; ``dscale = sum of dy · z`` (or x), ``dshift =
    sum of dy``.

    Bottom and top: N × C × …, the same; in place allowed, at the price of a copy for INFERENCE. Learned: scale and
    shift, each 1 × C × 1 × 1.

    Parameters, in ``bn_param``: ``bn_mode`` (LEARN); ``scale_filler`` and ``shift_filler`` (constant 0: give them); in
    CTPN ``var_eps`` (1e-10) in place of 1e-9. ``engine`` is read and makes no difference.
    Errors: ShapeError for fewer than two axes or channels that change; NetError for CTPN's ``moving_average``.

    Example::

        layer {
          name: "bn" type: "BN" bottom: "conv" top: "bn"
          bn_param { scale_filler { type: "constant" value: 1 } shift_filler { type: "constant" value: 0.001 } }
        }

    Source: the BN layer of DeconvNet, SegNet and ENet; Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    type: ClassVar[str] = "BN"
    param_field: ClassVar[str | None] = "bn_param"
    tables: ClassVar[Sequence[Table]] = (KENDALL, SEGNET)

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self.mean, self.var = Blob(dtype=self.dtype), Blob(dtype=self.dtype)
        self.normal = Blob(dtype=self.dtype, name=f"{self.name} normalized")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].num_axes < 2:
            self.fail_shape("the bottom must have at least two axes (number, channels)", bottom[0])
        self.learns = getattr(self.param, "bn_mode", 0) != INFERENCE
        self.eps = float(getattr(self.param, "var_eps", EPS))
        if getattr(self.param, "moving_average", False):
            self.fail("moving_average has no implementation here", "moving_average", error=NetError)
        for name in ("scale_filler", "shift_filler"):
            filler = getattr(self.param, name) if self.param.HasField(name) else None
            self.add_param((1, bottom[0].shape[1], 1, 1), filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].shape[1] != self.blobs[0].count:
            self.fail_shape(f"the bottom must keep its {self.blobs[0].count} channels", bottom[0])
        self.view = around(bottom[0].shape, 1)
        self.mean.reshape(self.view[1])
        self.var.reshape(self.view[1])
        self.normal.reshape(self.view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, z = bottom[0].data.reshape(self.view), self.normal.data
        if self.learns:
            self.engine.batch_norm_statistics(x, self.mean.data, self.var.data)
            self.engine.batch_norm_forward(x, self.mean.data, self.var.data, self.eps, z, None)
        else:
            self.engine.copy(x, z)
        scale, shift = (blob.data.reshape(-1) for blob in self.blobs)
        self.engine.scale_forward(z, scale, shift, top[0].data.reshape(self.view))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy, z, dz = top[0].diff.reshape(self.view), self.normal.data, self.normal.diff
        if self.param_propagate_down[0]:
            self.engine.scale_backward_scale(z, dy, self.blobs[0].diff.reshape(-1))
        if self.param_propagate_down[1]:
            self.engine.bias_backward(dy, self.blobs[1].diff.reshape(-1))
        if propagate_down[0]:
            self.engine.scale_backward_data(dy, self.blobs[0].data.reshape(-1), dz)
            dx = bottom[0].diff.reshape(self.view)
            if self.learns:
                self.engine.batch_norm_backward(z, self.var.data, self.eps, dz, dx)
            else:
                self.engine.copy(dz, dx)
