"""BatchNorm: normalizes each channel by the statistics of the batch, or of all batches so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..plugins import hookimpl
from .blob import Array, Blob
from .context import LayerContext, Phase
from .layer import Blobs, Layer, product
from .neuron import NeuronLayer
from .over_ranks import backward_over_ranks, combine_statistics

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class BatchNorm(NeuronLayer):
    """Gives every channel mean 0 and variance 1. It has no scale and bias of its own: a Scale layer behind it does.

    Forward ``y = (x - mean[c]) / sqrt(var[c] + eps)``. In training mean and var (the biased one) are those of the
    batch; with ``use_global_stats`` they are ``blobs[0] / blobs[2]`` and ``blobs[1] / blobs[2]``, or 0 while blobs[2]
    is 0.
    Backward ``dx = (dy - avg(dy) - y · avg(dy · y)) / sqrt(var[c] + eps)`` with avg over the channel; with global
    statistics ``dx = dy / sqrt(var[c] + eps)``.

    A forward with the batch's statistics, m elements a channel, also moves the averages, f being
    ``moving_average_fraction``: ``blobs[0] = f · blobs[0] + mean``, ``blobs[1] = f · blobs[1] + m / (m - 1) · var``,
    ``blobs[2] = f · blobs[2] + 1``.

    Of several processes that train together each has its own statistics, as in Caffe; with
    ``parallel_param { sync_batch_norm: true }`` in the solver file those are of all their batches together.

    Bottom and top: (num, channels, …), the same, or one axis that counts as one channel; in place allowed.
    Learned: three blobs of statistics, of sizes channels, channels and 1, that the solver leaves alone.

    Parameters, in ``batch_norm_param``: ``use_global_stats`` (false in training, true in testing);
    ``moving_average_fraction`` (0.999); ``eps`` (1e-5).
    Errors: ShapeError for a bottom without axes, or channels that change later.

    Example::

        layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "bn1" }

    Source: Caffe's BatchNorm layer; Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    type: ClassVar[str] = "BatchNorm"
    param_field: ClassVar[str | None] = "batch_norm_param"

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self.mean = Blob(dtype=self.dtype, name=f"{self.name} mean")
        self._elements = 0
        self.var = Blob(dtype=self.dtype, name=f"{self.name} variance")
        self.normalized = Blob(dtype=self.dtype, name=f"{self.name} normalized")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if not bottom[0].num_axes:
            self.fail_shape("the bottom must have at least one axis", bottom[0])
        explicit = self.param.HasField("use_global_stats")
        self._global = bool(self.param.use_global_stats) if explicit else self.phase == Phase.TEST
        channels = _view_of(bottom[0])[1]
        for size in (channels, channels, 1):
            self.add_param((size,), learnable=False)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.view = _view_of(bottom[0])
        channels = self.blobs[0].count
        if self.view[1] != channels:
            self.fail_shape(f"the bottom must keep its {channels} channels", bottom[0])
        self.mean.reshape(channels)
        self.var.reshape(channels)
        self.normalized.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y, mean, var = bottom[0].data, top[0].data, self.mean.data, self.var.data
        x, y = x.reshape(self.view), y.reshape(self.view)
        kept = None
        if self._global:
            self._read_averages()
        else:
            self.engine.batch_norm_statistics(x, mean, var)
            if self.context.sum_over_ranks is not None:
                self._elements = combine_statistics(mean, var, x.shape[0] * x.shape[2], self.context.sum_over_ranks)
            self.move_averages()
            kept = self.normalized.data.reshape(self.view)
        self.engine.batch_norm_forward(x, mean, var, self.param.eps, y, kept)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = top[0].diff.reshape(self.view), bottom[0].diff.reshape(self.view)
        var, eps = self.var.data, self.param.eps
        if self._global:
            self.engine.batch_norm_backward_global(var, eps, dy, dx)
        elif self.context.sum_over_ranks is not None:
            normalized = self.normalized.data.reshape(self.view)
            backward_over_ranks(normalized, var, eps, dy, dx, self._elements, self.context.sum_over_ranks)
        else:
            self.engine.batch_norm_backward(self.normalized.data.reshape(self.view), var, eps, dy, dx)

    def kept_output(self) -> Blob | None:
        return None if self._global else self.normalized

    def channel_affine(self, bottom: Blob) -> tuple[Array, Array] | None:
        if not self._global or bottom.num_axes < 2:
            return None
        weight = float(self.blobs[2].data[0])
        mean, var = (blob.data.astype(np.float64) / (weight or np.inf) for blob in self.blobs[:2])
        factor = 1 / np.sqrt(var + self.param.eps)
        return factor, -mean * factor

    def _read_averages(self) -> None:
        weight = float(self.blobs[2].data[0])
        factor = 1 / weight if weight else 0.0
        self.engine.scale_by(factor, self.blobs[0].data, self.mean.data)
        self.engine.scale_by(factor, self.blobs[1].data, self.var.data)

    @property
    def of_its_batch(self) -> bool:
        """Whether it takes the statistics of its own batch, and of no other process's."""
        return not self._global and self.context.sum_over_ranks is None

    def move_averages(self) -> None:
        """Take the statistics of the latest batch, in ``mean`` and ``var``, into the averages over all batches."""
        count = self.view[0] * self.view[2] if self.context.sum_over_ranks is None else self._elements
        if not count:
            return
        unbiased = count / (count - 1) if count > 1 else 1.0
        mean, var, weight = (blob.data for blob in self.blobs[:3])
        for blob in (mean, var, weight):
            self.engine.scale_by(self.param.moving_average_fraction, blob, blob)
        self.engine.axpy(1.0, self.mean.data, mean)
        self.engine.axpy(unbiased, self.var.data, var)
        weight += 1


def _view_of(x: Blob) -> tuple[int, int, int]:
    """The shape as (num, channels, the rest)."""
    shape = x.shape
    return (1, 1, shape[0]) if len(shape) == 1 else (shape[0], shape[1], product(shape[2:]))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [BatchNorm]
