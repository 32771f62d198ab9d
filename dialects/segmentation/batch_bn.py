"""SegNet's BN: batch normalization without running statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...errors import NetError
from ...layers import Array, Blob, Blobs
from ..table import Table
from .normalization import Normalization
from .tables import KENDALL, SEGNET

INFERENCE = 1
EPS = 1e-9


class BatchBN(Normalization):
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

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.learns = getattr(self.param, "bn_mode", 0) != INFERENCE
        self.eps = float(getattr(self.param, "var_eps", EPS))
        if getattr(self.param, "moving_average", False):
            hint = "without it every batch is normalised by its own mean and variance, in tests too"
            self.fail("moving_average has no implementation here", "moving_average", error=NetError, hint=hint)
        for name in ("scale_filler", "shift_filler"):
            filler = getattr(self.param, name) if self.param.HasField(name) else None
            self.add_param((1, bottom[0].shape[1], 1, 1), filler)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, z = bottom[0].data.reshape(self.view), self.normal.data
        if self.learns:
            self.engine.batch_norm_statistics(x, self.mean.data, self.var.data)
            self.engine.batch_norm_forward(x, self.mean.data, self.var.data, self.eps, z, None)
        else:
            self.engine.copy(x, z)
        self.scale_and_shift(top)

    def channel_affine(self, bottom: Blob) -> tuple[Array, Array] | None:
        if self.learns:
            return None
        scale, shift = (blob.data.reshape(-1).astype(np.float64) for blob in self.blobs)
        return scale, shift

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.learned_gradients(top)
        if propagate_down[0]:
            dz, dx = self.normal_gradient(top), bottom[0].diff.reshape(self.view)
            if self.learns:
                self.engine.batch_norm_backward(self.normal.data, self.var.data, self.eps, dz, dx)
            else:
                self.engine.copy(dz, dx)
