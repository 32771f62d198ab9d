"""Deconvolution: the transpose of a convolution, which enlarges images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .blob import Shape
from .convolution_base import ConvolutionBase
from .layer import Blobs, Layer, product


class Deconvolution(ConvolutionBase):
    """Each input pixel is multiplied by a kernel and added into the output, ``stride`` pixels apart.

    It is to a Convolution of the same window what the backward pass is to the forward pass.

    Forward ``y[n, o, q] = b[o] + sum over c, t, p with p · stride - pad + t · dilation = q of w[c, o, t] · x[n, c,
    p]``. With ``group`` g the channels are cut in g parts, each seeing one part. Backward is the derivative of that;
    the gradients of w and b are summed over the batch and added.

    Bottoms: batch × channels × spatial sizes, all of one shape; they share the weights. Tops, one per bottom: batch ×
    num_output × ``stride (size - 1) + dilation (kernel - 1) + 1 - 2 pad``. Learned blobs: w, channels × num_output /
    group × kernel; then b, num_output. The weights' filler takes its fans from that shape.

    Parameters, ``convolution_param``: ``num_output`` (required); ``kernel_size`` (required), ``stride`` (1), ``pad``
    (0), ``dilation`` (1), each given once or once per spatial axis, or for two axes as ``kernel_h``, ``kernel_w``,
    ``stride_h``, ``stride_w``, ``pad_h``, ``pad_w``; ``group`` (1); ``bias_term`` (true); ``weight_filler`` and
    ``bias_filler`` (constant 0: give the weights one, or they stay alike); ``axis`` (1), the channel axis, with all
    axes before it as the batch; ``engine`` and ``force_nd_im2col`` are read and make no difference.
    Errors: ParameterError for parameters outside these rules; ShapeError if no pixel is left, or the channels change
    later.

    Example, which enlarges 21 channels 32 times::

        layer {
          name: "up" type: "Deconvolution" bottom: "score" top: "up" param { lr_mult: 0 }
          convolution_param {
            num_output: 21 group: 21 kernel_size: 64 stride: 32 pad: 16 bias_term: false
            weight_filler { type: "bilinear" }
          }
        }

    Source: Caffe's Deconvolution layer; Zeiler et al., "Deconvolutional networks", 2010; Long et al., "Fully
    convolutional networks for semantic segmentation", 2015.
    """

    type: ClassVar[str] = "Deconvolution"

    def convolved(self, spatial: Shape) -> Shape:
        return self.geometry.deconv_output_size(spatial)

    def weight_shape(self, channels: int) -> Shape:
        return (channels, self.num_output // self.geometry.groups, *self.geometry.kernel)

    def too_small(self) -> str:
        return f"no pixel would be left of the image with pad {'x'.join(map(str, self.geometry.pad))}"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.flat_view = (*self.top_view[:2], product(self.top_view[2:]))

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        weights = self.blobs[0].data
        for source, target in zip(bottom, top, strict=True):
            x, y = source.data.reshape(self.bottom_view), target.data.reshape(self.top_view)
            self.engine.conv_backward_data(x, weights, y, self.geometry)
            if self.has_bias:
                flat = y.reshape(self.flat_view)
                self.engine.bias_forward(flat, self.blobs[1].data, flat)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for index, (source, target) in enumerate(zip(bottom, top, strict=True)):
            dy = target.diff.reshape(self.top_view)
            if self.param_propagate_down[0]:
                x = source.data.reshape(self.bottom_view)
                self.engine.conv_backward_weights(dy, x, self.blobs[0].diff, None, self.geometry)
            if self.has_bias and self.param_propagate_down[1]:
                self.engine.bias_backward(dy.reshape(self.flat_view), self.blobs[1].diff)
            if propagate_down[index]:
                dx = source.diff.reshape(self.bottom_view)
                self.engine.conv_forward(dy, self.blobs[0].data, None, dx, self.geometry)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Deconvolution]
