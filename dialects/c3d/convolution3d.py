"""Convolution3D and Deconvolution3D: C3D's names for convolution over time as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ...layers import Blobs, LayerContext
from ...layers.convolution import Convolution
from ...layers.convolution_base import ConvolutionBase
from ...layers.deconvolution import Deconvolution
from ...proto import Schema
from .window import check_video, is_set, three

if TYPE_CHECKING:
    from ...proto.caffe_pb2 import LayerParameter


class _OverTime(ConvolutionBase):
    """Reads C3D's fields into those of the stock layer."""

    param_field: ClassVar[str | None] = None

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self.param = _stock_param(_own_param(config))

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        check_video(self, bottom)
        super().setup(bottom, top)


class Convolution3D(_OverTime, Convolution):
    """Convolution of videos: a window that moves over time, height and width.

    Forward and backward as Convolution with kernel ``kernel_depth`` × ``kernel_size`` × ``kernel_size``.

    Bottoms: N × C × L × H × W; tops as of Convolution. Learned: weights, num_output × C / group × kernel; bias,
    num_output.

    Parameters, in ``convolution3d_param`` (C3D v1.1) or ``convolution_param`` (v1.0): ``num_output``, ``kernel_size``
    and ``kernel_depth`` (required); ``stride`` (1) and ``pad`` (0) in space, ``temporal_stride`` (1) and
    ``temporal_pad`` (0) in time; ``group`` and ``filter_group`` (1), of which the larger counts; ``bias_term`` (true);
    ``weight_filler``, ``bias_filler`` (constant 0).
    Errors: as Convolution; ShapeError for a bottom without five axes.

    Example::

        layer {
          name: "conv1a" type: "Convolution3D" bottom: "data" top: "conv1a"
          convolution3d_param { num_output: 64 kernel_size: 3 kernel_depth: 3 pad: 1 temporal_pad: 1 }
        }

    Source: C3D's layer (Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", 2015).
    """

    type: ClassVar[str] = "Convolution3D"


class Deconvolution3D(_OverTime, Deconvolution):
    """Deconvolution of videos: a window that moves over time, height and width.

    Forward and backward as Deconvolution with kernel ``kernel_depth`` × ``kernel_size`` × ``kernel_size``.

    Bottoms: N × C × L × H × W; tops as of Deconvolution. Learned: weights, C × num_output / group × kernel; bias,
    num_output.

    Parameters and errors: as Convolution3D.

    Example, a V1 layer::

        layers {
          name: "deconv" type: DECONVOLUTION3D bottom: "conv" top: "deconv"
          convolution_param { num_output: 64 kernel_size: 4 kernel_depth: 4 stride: 2 temporal_stride: 2 }
        }

    Source: C3D's layer, v1.0.
    """

    type: ClassVar[str] = "Deconvolution3D"


def _own_param(config: LayerParameter) -> Any:
    field = "convolution3d_param" if is_set(config, "convolution3d_param") else "convolution_param"
    return getattr(config, field)


def _stock_param(own: Any) -> Any:
    """A stock ConvolutionParameter that says the same as C3D's *own*."""
    param: Any = Schema.stock().message("ConvolutionParameter")()
    for name in ("num_output", "bias_term"):
        if own.HasField(name):
            setattr(param, name, getattr(own, name))
    for name, pair, default in (
        ("kernel_size", "kernel_depth", None),
        ("stride", "temporal_stride", 1),
        ("pad", "temporal_pad", 0),
    ):
        sizes: Sequence[int] | None = three(own, name, pair, default)
        getattr(param, name).extend(sizes or ())
    param.group = max(own.group, getattr(own, "filter_group", 1))
    for name in ("weight_filler", "bias_filler"):
        if own.HasField(name):
            getattr(param, name).ParseFromString(getattr(own, name).SerializeToString())
    return param
