"""Depthwise convolution: each channel by itself."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Blobs
from ...layers.convolution import Convolution


class DepthwiseConvolution(Convolution):
    """Convolution that filters each channel of the input by itself: a grouped convolution with as many groups as
    channels, whatever ``group`` says.

    Forward and backward as Convolution with ``group: C``, C the channels of the bottom.

    Bottom and top: as Convolution. Learned: weights, num_output × 1 × kernel; bias, num_output.

    Parameters, in ``convolution_param``: those of Convolution; ``num_output`` a multiple of C.
    Errors: as Convolution.

    Example::

        layer {
          name: "conv2/dw" type: "DepthwiseConvolution" bottom: "conv1" top: "conv2/dw"
          convolution_param { num_output: 32 kernel_size: 3 pad: 1 bias_term: false }
        }

    Source: MobileNet's layer in Caffe; Howard et al., "MobileNets", 2017.
    """

    type: ClassVar[str] = "DepthwiseConvolution"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        axis = self.axis(bottom[0], self.param.axis, "axis")
        param = type(self.param)()
        param.CopyFrom(self.param)
        param.group = max(1, bottom[0].shape[axis])
        self.param = param
        super().setup(bottom, top)


class ConvolutionDepthwise(DepthwiseConvolution):
    """DepthwiseConvolution under the name that it has in ShuffleNet's Caffe.

    Forward, backward, shapes, parameters and errors: as DepthwiseConvolution.

    Example::

        layer {
          name: "conv2" type: "ConvolutionDepthwise" bottom: "conv1" top: "conv2"
          convolution_param { num_output: 112 kernel_size: 3 stride: 2 pad: 1 bias_term: false }
        }

    Source: the layer of farmingyard/ShuffleNet.
    """

    type: ClassVar[str] = "ConvolutionDepthwise"
