"""Convolution, Deconvolution, Im2col, InnerProduct, Embed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...layers import product
from ...plugins import hookimpl
from ..graph import LayerExport


def spatial(param: Any, name: str, axes: int, default: int) -> list[int]:
    """The sizes of a window per axis: ``kernel_size``, ``stride``, ``pad`` or ``dilation``."""
    short = "kernel" if name == "kernel_size" else name
    fields = param.DESCRIPTOR.fields_by_name
    if f"{short}_h" in fields and (param.HasField(f"{short}_h") or param.HasField(f"{short}_w")):
        return [getattr(param, f"{short}_h"), getattr(param, f"{short}_w")]
    value = getattr(param, name)
    sizes = list(value) if hasattr(value, "__len__") else [value]
    return (sizes or [default]) * (axes if len(sizes) < 2 else 1)


def _windows(export: LayerExport) -> dict[str, Any]:
    param, axes = export.param, export.bottom[0].num_axes - 2
    if param.axis not in (1, 1 - export.bottom[0].num_axes):
        raise export.unsupported(f"channels must be axis 1; got axis {param.axis}")
    pads = spatial(param, "pad", axes, 0)
    return {
        "kernel_shape": list(export.layer.blobs[0].shape[2:]),
        "strides": spatial(param, "stride", axes, 1),
        "dilations": spatial(param, "dilation", axes, 1),
        "pads": pads * 2,
        "group": int(param.group),
    }


def _convolve(op: str) -> Callable[[LayerExport], None]:
    def mapping(export: LayerExport) -> None:
        attributes = _windows(export)
        constants = [export.weight(i) for i in range(len(export.layer.blobs))]
        for name, output in zip(export.inputs, export.outputs, strict=True):
            export.op(op, [name, *constants], output, **attributes)

    return mapping


def im2col(export: LayerExport) -> None:
    """A convolution that gives each tap of each channel alone."""
    geometry, channels = export.layer.geometry, export.bottom[0].shape[1]  # type: ignore[attr-defined]
    if export.param.axis not in (1, 1 - export.bottom[0].num_axes):
        raise export.unsupported(f"channels must be axis 1; got axis {export.param.axis}")
    taps = product(geometry.kernel)
    picks = np.tile(np.eye(taps, dtype=np.float32), (channels, 1)).reshape(channels * taps, 1, *geometry.kernel)
    export.op("Conv", [export.x, export.constant(picks, "picks")], export.outputs[0], group=channels,
              kernel_shape=list(geometry.kernel), strides=list(geometry.stride), pads=list(geometry.pad) * 2,
              dilations=list(geometry.dilation))  # fmt: skip


def inner_product(export: LayerExport) -> None:
    param, weights = export.param, export.layer.blobs[0]
    transposed = bool(param.transpose)
    if export.top[0].num_axes == 2:
        flat = export.op("Flatten", [export.x], axis=1)
    else:
        rows = weights.shape[0] if transposed else weights.shape[1]
        flat = export.reshape(export.x, (export.bottom[0].count // max(1, rows), rows))
    constants = [export.weight(i) for i in range(len(export.layer.blobs))]
    attributes: dict[str, Any] = {"transB": 0 if transposed else 1}
    if export.top[0].num_axes == 2:
        export.op("Gemm", [flat, *constants], export.outputs[0], **attributes)
    else:
        export.finish(export.op("Gemm", [flat, *constants], **attributes))


def embed(export: LayerExport) -> None:
    index = export.op("Cast", [export.x], to=export.graph.onnx.TensorProto.INT64)
    if len(export.layer.blobs) == 1:
        export.op("Gather", [export.weight(0), index], export.outputs[0], axis=0)
    else:
        export.op("Add", [export.op("Gather", [export.weight(0), index], axis=0), export.weight(1)], export.outputs[0])


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {
        "Convolution": _convolve("Conv"),
        "Deconvolution": _convolve("ConvTranspose"),
        "DepthwiseConvolution": _convolve("Conv"),
        "ConvolutionDepthwise": _convolve("Conv"),
        "Convolution3D": _convolve("Conv"),
        "Deconvolution3D": _convolve("ConvTranspose"),
        "Im2col": im2col,
        "InnerProduct": inner_product,
        "Embed": embed,
    }
