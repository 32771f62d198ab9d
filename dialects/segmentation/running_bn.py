"""BN with running statistics: batch normalization, scale and bias in one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...errors import NetError
from ...layers import Array, Blob, Blobs, Phase
from ..table import Table
from .normalization import Normalization
from .tables import BN


class RunningBN(Normalization):
    """Batch normalization with a learned deviation (slope) and mean (bias) for each channel, and running statistics.

    Forward ``z = (x - mean[c]) / sqrt(var[c] + eps)``, ``y = slope[c] · z + bias[c]``. In training mean and var (the
    biased one) are those of the batch, and move the running ones: ``running = m · running + (1 - m) · batch`` with
    ``momentum`` m. In testing, and where ``frozen``, they are the running ones.
    Backward ``dz = slope · dy``, ``dx`` as of BatchNorm; ``dslope = sum of dy · z``, ``dbias = sum of dy``; where
    ``frozen`` slope and bias get no gradient.

    Bottom and top: N × C × …, the same; in place allowed. Learned: slope, bias, running mean and running variance, each
    1 × C × 1 × 1; the solver leaves the last two alone.

    Parameters, in ``bn_param``: ``slope_filler`` (constant 1), ``bias_filler`` (constant 0), ``momentum`` (0.9),
    ``eps`` (1e-5), ``frozen`` (false); ``engine`` is read and makes no difference.
    Errors: ShapeError for fewer than two axes or channels that change; NetError for a ``bn_param`` of another fork.

    Example::

        layer { name: "bn" type: "BN" bottom: "conv" top: "conv" bn_param { frozen: true } }

    Source: the BN layer of yjxiong/caffe and PSPNet; Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    type: ClassVar[str] = "BN"
    param_field: ClassVar[str | None] = "bn_param"
    tables: ClassVar[Sequence[Table]] = (
        BN,
        Table("pspnet", "extend LayerParameter { BNParameter bn_param = 152; }"),
    )

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if "slope_filler" not in self.param.DESCRIPTOR.fields_by_name:
            rule = "this bn_param is of a fork whose BN layer has no implementation here"
            self.fail(rule, error=NetError, hint="those of PSPNet, yjxiong/caffe, SegNet, ENet and DeconvNet have one")
        super().setup(bottom, top)
        self.batch = self.phase == Phase.TRAIN and not getattr(self.param, "frozen", False)
        shape = (1, bottom[0].shape[1], 1, 1)
        for name, value in (("slope_filler", 1.0), ("bias_filler", 0.0)):
            self.add_param(shape, getattr(self.param, name) if self.param.HasField(name) else None, value=value)
        self.add_param(shape, learnable=False)
        self.add_param(shape, value=1.0, learnable=False)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        mean, var = (blob.data.reshape(-1) for blob in self.blobs[2:])
        x, z = bottom[0].data.reshape(self.view), self.normal.data
        if self.batch:
            self.engine.batch_norm_statistics(x, self.mean.data, self.var.data)
            for running, now in ((mean, self.mean.data), (var, self.var.data)):
                self.engine.scale_by(self.param.momentum, running, running)
                self.engine.axpy(1 - self.param.momentum, now, running)
        else:
            self.engine.copy(mean, self.mean.data)
            self.engine.copy(var, self.var.data)
        self.engine.batch_norm_forward(x, self.mean.data, self.var.data, self.param.eps, z, None)
        self.scale_and_shift(top)

    def channel_affine(self, bottom: Blob) -> tuple[Array, Array] | None:
        if self.batch:
            return None
        slope, bias, mean, var = (blob.data.reshape(-1).astype(np.float64) for blob in self.blobs)
        factor = slope / np.sqrt(var + self.param.eps)
        return factor, bias - mean * factor

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not getattr(self.param, "frozen", False):
            self.learned_gradients(top)
        if not propagate_down[0]:
            return
        dz, dx = self.normal_gradient(top), bottom[0].diff.reshape(self.view)
        if self.batch:
            self.engine.batch_norm_backward(self.normal.data, self.var.data, self.param.eps, dz, dx)
        else:
            self.engine.batch_norm_backward_global(self.var.data, self.param.eps, dz, dx)
