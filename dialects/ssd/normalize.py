"""Normalize: vectors of length one, times a learned factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Array, Blob, Blobs, product
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import ANNOTATIONS, LAYERS


class Normalize(ForkLayer):
    """Divides each pixel's vector of channels, or each whole image, by its length, and multiplies by a learned factor.

    Forward ``y = s · x / n`` with ``n = sqrt(sum of x² + eps)``, the sum over the channels of the pixel, or with
    ``across_spatial`` over the whole image; s is one number for all, or one for each channel.
    Backward, with ``g = s · dy``: ``dx = (g - x · (sum of g · x) / n²) / n``; ``ds = sum of dy · x / n``. (SSD leaves s
    out of the inner sum, which is another gradient where the channels have different factors.)

    Bottom: N × C × …, top the same. Learned: s, without axes where it is shared, else C.

    Parameters, in ``norm_param``: ``across_spatial`` (true); ``channel_shared`` (true), one factor for all channels;
    ``scale_filler`` (constant 1), how the factors begin; ``eps`` (1e-10).
    Errors: ParameterError without ``norm_param``; ShapeError for fewer than two axes, or channels that change.

    Example::

        layer {
          name: "norm" type: "Normalize" bottom: "conv4_3" top: "conv4_3_norm"
          norm_param { across_spatial: false channel_shared: false scale_filler { type: "constant" value: 20 } }
        }

    Source: SSD's Normalize layer; Liu, Rabinovich and Berg, "ParseNet: Looking Wider to See Better", 2015.
    """

    type: ClassVar[str] = "Normalize"
    param_field: ClassVar[str | None] = "norm_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if not self.config.HasField("norm_param"):
            hint = "norm_param { } means SSD's with its defaults; that of caffe-windows has no implementation here"
            self.fail("a Normalize layer needs norm_param: without it, forks mean different things", hint=hint)
        if bottom[0].num_axes < 2:
            self.fail_shape("the bottom must have at least two axes (number, channels)", bottom[0])
        self.shared: bool = self.param.channel_shared
        filler = self.param.scale_filler if self.param.HasField("scale_filler") else None
        self.add_param(() if self.shared else (bottom[0].shape[1],), filler, value=1.0)
        self.norm, self.unit = Blob(dtype=self.dtype), Blob(dtype=self.dtype)
        self.sums, self.work = Blob(dtype=self.dtype), Blob(dtype=self.dtype)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        number, channels = bottom[0].shape[:2]
        if not self.shared and channels != self.blobs[0].count:
            self.fail_shape(f"the bottom must keep its {self.blobs[0].count} channels", bottom[0])
        pixels = product(bottom[0].shape[2:])
        self.view = (number, channels, pixels)
        self.axes = (1, 2) if self.param.across_spatial else (1,)
        for blob in (self.norm, self.sums):
            blob.reshape((number, 1, 1 if self.param.across_spatial else pixels))
        for blob in (self.unit, self.work):
            blob.reshape(self.view)
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, x, y = self.engine.xp, bottom[0].data.reshape(self.view), top[0].data.reshape(self.view)
        norm, unit = self.norm.data, self.unit.data
        xp.multiply(x, x, out=unit)
        xp.sum(unit, axis=self.axes, keepdims=True, out=norm)
        norm += self.param.eps
        xp.sqrt(norm, out=norm)
        xp.divide(x, norm, out=unit)
        xp.multiply(unit, self._factor, out=y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        xp, dy, unit, work = self.engine.xp, top[0].diff.reshape(self.view), self.unit.data, self.work.data
        if self.param_propagate_down[0]:
            xp.multiply(dy, unit, out=work)
            self.blobs[0].diff[...] += xp.sum(work) if self.shared else xp.sum(work, axis=(0, 2))
        if propagate_down[0]:
            dx, sums = bottom[0].diff.reshape(self.view), self.sums.data
            xp.multiply(dy, self._factor, out=dx)
            xp.multiply(dx, unit, out=work)
            xp.sum(work, axis=self.axes, keepdims=True, out=sums)
            xp.multiply(unit, sums, out=work)
            xp.subtract(dx, work, out=dx)
            xp.divide(dx, self.norm.data, out=dx)

    @property
    def _factor(self) -> Array:
        return self.blobs[0].data if self.shared else self.blobs[0].data[:, None]
