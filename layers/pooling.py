"""Pooling: one number for each window of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..engines import PoolGeometry
from ..errors import NetError
from ..plugins import hookimpl
from .arity import Arity, between
from .blob import Blob
from .context import Phase
from .fillers.draws import fill_uniform
from .layer import Blobs, Layer

MAX, AVE, STOCHASTIC = range(3)
FLOOR = 1


class Pooling(Layer):
    """Makes an image smaller: each output pixel is the maximum, the mean, or a random pixel of a window of the input.

    MAX: forward ``y = max of the window``, the padding is no pixel; backward gives dy to the first pixel, in row-major
    order, that held the maximum.
    AVE: forward ``y = sum of the window / area``, where the area is that of the window cut at size + pad: the padding
    counts, what hangs over beyond it does not. Backward gives dy / area to each pixel of the window.
    STOCHASTIC, for inputs that are not negative: in the TRAIN phase y is a pixel of the window drawn with a probability
    proportional to its value, and backward gives dy to that pixel; in the TEST phase ``y = sum x² / sum x``, the
    expected value (0 where all is 0), which has no backward.

    Bottom: N × C × H × W. Top: N × C × ``ceil((size + 2 pad - kernel) / stride) + 1``, where with padding a last
    window that would start at or beyond size + pad is dropped. A second top, with MAX only: where in its plane each
    maximum was, as ``h · W + w``; it passes no gradient.

    Parameters, ``pooling_param``: ``pool`` (MAX); ``kernel_size``, or ``kernel_h`` and ``kernel_w`` (required, unless
    global); ``stride`` (1), or ``stride_h`` and ``stride_w``; ``pad`` (0, less than the kernel, 0 for STOCHASTIC), or
    ``pad_h`` and ``pad_w``; ``global_pooling`` (false): the window is the image, and stride and pad are left alone;
    ``round_mode`` (CEIL, or FLOOR); ``engine`` is read and makes no difference.
    Errors: ParameterError for parameters outside these rules; ShapeError for a bottom without 4 axes.

    Example::

        layer {
          name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
          pooling_param { pool: MAX kernel_size: 3 stride: 2 }
        }

    Source: Caffe's Pooling layer; Zeiler and Fergus, "Stochastic pooling for regularization of deep convolutional
    neural networks", 2013.
    """

    type: ClassVar[str] = "Pooling"
    param_field: ClassVar[str | None] = "pooling_param"
    tops: ClassVar[Arity] = between(1, 2)
    stochastic: ClassVar[bool] = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.method: int = self.param.pool
        self.kernel: tuple[int, ...] = ()
        if len(top) > 1 and self.method != MAX:
            self.fail("only MAX pooling has a second top, the mask", "top", 1)
        self.stride = self._pair("stride", "stride_h", "stride_w", 1)
        self.pad = self._pair("pad", "pad_h", "pad_w", 0)
        if self.param.global_pooling:
            self._check_global()
        else:
            self._check_window()
        self.mask = Blob((0,), np.int32, f"{self.name} mask")
        self.uniform = Blob((0,), self.dtype, f"{self.name} draws")

    def _check_global(self) -> None:
        """Refuse what makes no sense where the window is the whole image."""
        for name in ("kernel_size", "kernel_h", "kernel_w"):
            if self.param.HasField(name):
                rule = f"{name} must be left out with global_pooling, where the window is the image"
                self.fail(rule, name, got=getattr(self.param, name))
        if self.stride != (1, 1):
            self.fail("stride must be 1 with global_pooling", "stride", got=self.stride)
        if self.pad != (0, 0):
            self.fail("pad must be 0 with global_pooling", "pad", got=self.pad)

    def _check_window(self) -> None:
        self.kernel = self._pair("kernel_size", "kernel_h", "kernel_w", 1, required=True)
        for pad, size, name in zip(self.pad, self.kernel, ("pad_h", "pad_w"), strict=True):
            field = name if self.param.HasField(name) else "pad"
            if pad and self.method == STOCHASTIC:
                self.fail("pad must be 0 with STOCHASTIC pooling", field, got=pad)
            if pad >= size:
                self.fail(f"{field} must be less than the kernel ({size})", field, got=pad)

    def _pair(self, both: str, high: str, wide: str, least: int, required: bool = False) -> tuple[int, int]:
        """The sizes (h, w) given by one field for both, or by a field each."""
        given = [name for name in (high, wide) if self.param.HasField(name)]
        if given and self.param.HasField(both):
            self.fail(f"{both} and {high}, {wide} must not both be given", given[0])
        if len(given) == 1:
            self.fail(f"{high} and {wide} must be given together", given[0])
        if required and not given and not self.param.HasField(both):
            self.fail(f"{both}, or {high} and {wide}, must be given", hint="or global_pooling: true")
        names = (high, wide) if given else (both, both)
        for name in names:
            if getattr(self.param, name) < least:
                self.fail(f"{name} must be at least {least}", name, got=getattr(self.param, name))
        return getattr(self.param, names[0]), getattr(self.param, names[1])

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].num_axes != 4:
            self.fail_shape("the bottom must have 4 axes (number, channels, height, width)", bottom[0])
        spatial = bottom[0].shape[2:]
        kernel = self.kernel or spatial
        if min(kernel) < 1:
            self.fail_shape("the image must have at least one pixel", bottom[0])
        self.geometry = PoolGeometry(kernel, self.stride, self.pad, ceil=self.param.round_mode != FLOOR)
        out = self.geometry.output_size(spatial)
        if min(out) < 1:
            self.fail_shape(f"the window ({kernel[0]}x{kernel[1]} pixels) must fit into the padded image", bottom[0])
        for blob in (*top, self.mask, self.uniform):
            blob.reshape((*bottom[0].shape[:2], *out))

    def repeats(self) -> bool:
        return self.method != STOCHASTIC

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        if self.method == MAX:
            mask = self.mask.data if self.runs_backward or len(top) > 1 else None
            self.engine.max_pool_forward(x, y, mask, self.geometry)
            if len(top) > 1:
                self.engine.xp.copyto(top[1].data, mask, casting="same_kind")
        elif self.method == AVE:
            self.engine.ave_pool_forward(x, y, self.geometry)
        elif self.phase == Phase.TRAIN:
            fill_uniform(self.uniform.data, self.rng, 0, 1)
            self.engine.stochastic_pool_forward(x, y, self.mask.data, self.uniform.data, self.geometry)
        else:
            self.engine.stochastic_pool_test_forward(x, y, self.geometry)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = top[0].diff, bottom[0].diff
        if self.method == AVE:
            self.engine.ave_pool_backward(dy, dx, self.geometry)
        elif self.method == STOCHASTIC and self.phase != Phase.TRAIN:
            self.fail("STOCHASTIC pooling has a backward pass in the TRAIN phase only", "pool", error=NetError)
        else:
            self.engine.max_pool_backward(dy, self.mask.data, dx, self.geometry)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Pooling]
