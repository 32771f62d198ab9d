"""Convolution: learned filters that slide over images, in any number of spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .blob import Shape
from .convolution_base import ConvolutionBase
from .layer import Blobs, Layer


class Convolution(ConvolutionBase):
    """Each output channel is the sum of the input channels, each filtered by a small kernel that slides over the image.

    Forward ``y[n, o, p] = b[o] + sum over c, t of w[o, c, t] · x[n, c, p · stride - pad + t · dilation]``, where pixels
    outside the image are 0. With ``group`` g the channels are cut in g parts, and each part of the outputs sees one
    part of the inputs. Backward is the derivative of that; the gradients of w and b are summed over the batch and
    added.

    Bottoms: batch × channels × spatial sizes, all of one shape; they share the weights. Tops, one per bottom: batch ×
    num_output × ``floor((size + 2 pad - dilation (kernel - 1) - 1) / stride) + 1``. Learned blobs: w, num_output ×
    channels / group × kernel; then b, num_output.

    Parameters, ``convolution_param``: ``num_output`` (required); ``kernel_size`` (required), ``stride`` (1), ``pad``
    (0), ``dilation`` (1), each given once or once per spatial axis, or for two axes as ``kernel_h``, ``kernel_w``,
    ``stride_h``, ``stride_w``, ``pad_h``, ``pad_w``; ``group`` (1); ``bias_term`` (true); ``weight_filler`` and
    ``bias_filler`` (constant 0: give the weights one, or they stay alike); ``axis`` (1), the channel axis, with all
    axes before it as the batch; ``engine`` and ``force_nd_im2col`` are read and make no difference.
    Errors: ParameterError for parameters outside these rules; ShapeError for a window larger than the padded image, or
    channels that change later.

    Example::

        layer {
          name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
          convolution_param { num_output: 96 kernel_size: 11 stride: 4 weight_filler { type: "xavier" } }
        }

    Source: Caffe's Convolution layer; LeCun et al., "Gradient-based learning applied to document recognition", 1998; Yu
    and Koltun, "Multi-scale context aggregation by dilated convolutions", 2016, on dilation.
    """

    type: ClassVar[str] = "Convolution"

    def convolved(self, spatial: Shape) -> Shape:
        return self.geometry.output_size(spatial)

    def weight_shape(self, channels: int) -> Shape:
        return (self.num_output, channels // self.geometry.groups, *self.geometry.kernel)

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        weights, bias = self.blobs[0].data, self.blobs[1].data if self.has_bias else None
        for source, target in zip(bottom, top, strict=True):
            x, y = source.data.reshape(self.bottom_view), target.data.reshape(self.top_view)
            self.engine.conv_forward(x, weights, bias, y, self.geometry)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dw = self.blobs[0].diff if self.param_propagate_down[0] else None
        db = self.blobs[1].diff if self.has_bias and self.param_propagate_down[1] else None
        for index, (source, target) in enumerate(zip(bottom, top, strict=True)):
            dy = target.diff.reshape(self.top_view)
            if dw is not None or db is not None:
                x = source.data.reshape(self.bottom_view)
                self.engine.conv_backward_weights(x, dy, dw, db, self.geometry)
            if propagate_down[index]:
                dx = source.diff.reshape(self.bottom_view)
                self.engine.conv_backward_data(dy, self.blobs[0].data, dx, self.geometry)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Convolution]
