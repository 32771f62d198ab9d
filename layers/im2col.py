"""Im2col: every window of an image as a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .convolution_base import read_window, spatial_axis
from .layer import Blobs, Layer, product


class Im2col(Layer):
    """Copies the pixels of each window into the channels of one output pixel, as a convolution does on its way.

    Forward ``y[n, (c, t), p] = x[n, c, p · stride - pad + t · dilation]``, 0 outside the image, the taps t of one
    channel in row-major order. Backward adds each element of dy to the pixel it came from.

    Bottom: batch × channels × spatial sizes. Top: batch × channels · prod(kernel) × the output sizes of a Convolution.
    Parameters, ``convolution_param``: ``kernel_size`` (required), ``stride`` (1), ``pad`` (0), ``dilation`` (1), or
    ``kernel_h`` and so on, and ``axis`` (1), as for Convolution; the others are not used.
    Errors: ParameterError; ShapeError for a window larger than the padded image.

    Example::

        layer { name: "col" type: "Im2col" bottom: "data" top: "col" convolution_param { kernel_size: 3 pad: 1 } }

    Source: Caffe's Im2col layer.
    """

    type: ClassVar[str] = "Im2col"
    param_field: ClassVar[str | None] = "convolution_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.axes = bottom[0].num_axes
        self.geometry = read_window(self, self.axes - spatial_axis(self, bottom[0]))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        first = spatial_axis(self, bottom[0])
        if bottom[0].num_axes != self.axes:
            self.fail_shape(f"the number of axes must stay {self.axes}", bottom[0])
        before, channels, spatial = bottom[0].shape[: first - 1], bottom[0].shape[first - 1], bottom[0].shape[first:]
        out = self.geometry.output_size(spatial)
        if min(out) < 1:
            window = "x".join(map(str, self.geometry.extent))
            self.fail_shape(f"the window ({window} pixels) must fit into the padded image", bottom[0])
        columns = channels * self.geometry.taps
        self.bottom_view = (product(before), channels, *spatial)
        self.top_view = (product(before), columns, *out)
        top[0].reshape((*before, columns, *out))

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, col = bottom[0].data.reshape(self.bottom_view), top[0].data.reshape(self.top_view)
        self.engine.im2col(x, col, self.geometry)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            col, dx = top[0].diff.reshape(self.top_view), bottom[0].diff.reshape(self.bottom_view)
            self.engine.col2im(col, dx, self.geometry)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Im2col]
