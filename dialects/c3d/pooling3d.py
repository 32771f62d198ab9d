"""Pooling3D: C3D's name for pooling over time as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...engines import PoolGeometry
from ...errors import NetError
from ...layers import Blob, Blobs, Layer, LayerContext
from ...proto.caffe_pb2 import LayerParameter
from .window import check_video, is_set, three

MAX, AVE = 0, 1


class Pooling3D(Layer):
    """Pooling of videos: one number for each window over time, height and width.

    MAX: forward ``y = max of the window``; backward gives dy to the first that held it. AVE: forward ``y = sum of the
    window / area``, backward dy / area; as Pooling, in three axes.

    Bottom: N × C × L × H × W. Top: N × C × ``ceil((size + 2 pad - kernel) / stride) + 1`` in each axis.

    Parameters, in ``pooling3d_param`` (C3D v1.1) or ``pooling_param`` (v1.0): ``pool`` (MAX, AVE); ``kernel_size`` and
    ``kernel_depth`` (required); ``stride`` (1) and ``pad`` (0) in space, ``temporal_stride`` (1) and ``temporal_pad``
    (0) in time.
    Errors: ParameterError; NetError for stochastic pooling; ShapeError for a bottom without five axes, or a window
    larger than the padded video.

    Example::

        layer {
          name: "pool1" type: "Pooling3D" bottom: "conv1a" top: "pool1"
          pooling3d_param { pool: MAX kernel_size: 2 kernel_depth: 1 stride: 2 temporal_stride: 1 }
        }

    Source: C3D's layer (Tran et al., 2015).
    """

    type: ClassVar[str] = "Pooling3D"

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        own = is_set(config, "pooling3d_param")
        self.param = getattr(config, "pooling3d_param" if own else "pooling_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        check_video(self, bottom)
        if self.param.pool not in (MAX, AVE):
            self.fail(
                "only MAX and AVE pooling have an implementation over time", error=NetError, hint="use one of these"
            )
        kernel = three(self.param, "kernel_size", "kernel_depth", None)
        stride = three(self.param, "stride", "temporal_stride", 1)
        pad = three(self.param, "pad", "temporal_pad", 0)
        if kernel is None or stride is None or pad is None or min(*kernel, *stride) < 1:
            self.fail("kernel_size, kernel_depth and the strides must be given, at least 1")
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            self.fail("the padding must be less than the kernel", got=f"pad {pad}, kernel {kernel}")
        self.geometry = PoolGeometry(kernel, stride, pad)
        self.mask = Blob((0,), np.int32, f"{self.name} mask")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        check_video(self, bottom)
        out = self.geometry.output_size(bottom[0].shape[2:])
        if min(out) < 1:
            self.fail_shape(f"the window {self.geometry.kernel} must fit into the padded video", bottom[0])
        top[0].reshape((*bottom[0].shape[:2], *out))
        self.mask.reshape_like(top[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.pool == MAX:
            mask = self.mask.data if self.runs_backward else None
            self.engine.max_pool_forward(bottom[0].data, top[0].data, mask, self.geometry)
        else:
            self.engine.ave_pool_forward(bottom[0].data, top[0].data, self.geometry)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self.param.pool == MAX:
            self.engine.max_pool_backward(top[0].diff, self.mask.data, bottom[0].diff, self.geometry)
        else:
            self.engine.ave_pool_backward(top[0].diff, bottom[0].diff, self.geometry)
