"""Layers of Caffe's forks that treat images and features; those of detectors are in ``detection.py``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...layers import product
from ...plugins import hookimpl
from ..graph import LayerExport
from .shapes import backwards


def permute(export: LayerExport) -> None:
    export.op("Transpose", [export.x], export.outputs[0], perm=list(export.layer.order))  # type: ignore[attr-defined]


def relu6(export: LayerExport) -> None:
    export.op("Clip", [export.x, export.constant(0.0, "min"), export.constant(6.0, "max")], export.outputs[0])


def shuffle_channel(export: LayerExport) -> None:
    num, channels, *rest = export.bottom[0].shape
    group = int(export.param.group)
    grouped = export.reshape(export.x, (num, group, channels // group, *rest))
    axes = [0, 2, 1, *range(3, 3 + len(rest))]
    export.finish(export.op("Transpose", [grouped], perm=axes))


def axpy(export: LayerExport) -> None:
    image = export.bottom[1].shape
    factor = export.reshape(export.x, (*image[:2], *[1] * (len(image) - 2)))
    export.op("Add", [export.op("Mul", [factor, export.inputs[1]]), export.inputs[2]], export.outputs[0])


def reverse(export: LayerExport) -> None:
    backwards(export, export.x, export.layer.along, export.outputs[0])  # type: ignore[attr-defined]


def reorg(export: LayerExport) -> None:
    layer = export.layer
    deep, wide = layer.deep, layer.wide  # type: ignore[attr-defined]
    if export.param.reverse:
        moved = export.op("Transpose", [export.reshape(export.x, deep)], perm=[0, 3, 4, 1, 5, 2])
    else:
        moved = export.op("Transpose", [export.reshape(export.x, wide)], perm=[0, 3, 5, 1, 2, 4])
    export.finish(moved)


def normalize(export: LayerExport) -> None:
    axes = list(range(1, export.bottom[0].num_axes)) if export.param.across_spatial else [1]
    square = export.op("Mul", [export.x, export.x])
    total = export.op("ReduceSum", [square, export.integers(axes, "axes")], keepdims=1)
    length = export.op("Sqrt", [export.op("Add", [total, export.constant(float(export.param.eps))])])
    rest = (1,) * (export.bottom[0].num_axes - 2)
    factor = export.weight(0, () if export.param.channel_shared else (-1, *rest))
    export.op("Mul", [export.op("Div", [export.x, length]), factor], export.outputs[0])


def bn(export: LayerExport) -> None:
    """BN of PSPNet, with running statistics, and of SegNet and ENet: those of the batch, or none."""
    layer, x = export.layer, export.x
    shape = (-1, *(1,) * (export.bottom[0].num_axes - 2))
    blobs = [blob.data.astype(np.float64) for blob in layer.blobs]
    gain, offset = blobs[:2]
    if len(blobs) == 4:
        gain = gain / np.sqrt(blobs[3] + layer.param.eps)
        offset = offset - gain * blobs[2]
    elif layer.learns:  # type: ignore[attr-defined]
        axes = [0, *range(2, export.bottom[0].num_axes)]
        x = export.op("Sub", [x, export.op("ReduceMean", [x], axes=axes, keepdims=1)])
        variance = export.op("ReduceMean", [export.op("Mul", [x, x])], axes=axes, keepdims=1)
        shifted = export.op("Add", [variance, export.constant(layer.eps)])  # type: ignore[attr-defined]
        x = export.op("Div", [x, export.op("Sqrt", [shifted])])
    scaled = export.op("Mul", [x, export.constant(gain.reshape(shape), "gain")])
    export.op("Add", [scaled, export.constant(offset.reshape(shape), "offset")], export.outputs[0])


def _size(export: LayerExport, more: tuple[int, ...]) -> str:
    """The first two axes of the bottom, and *more*."""
    return export.op("Concat", [export.op("Shape", [export.x], start=0, end=2), export.integers(more)], axis=0)


def interp(export: LayerExport) -> None:
    x, begin, end = export.x, -export.param.pad_beg, export.param.pad_end
    if begin or end:
        stops = [size + end for size in export.bottom[0].shape[2:]]
        names = ([begin, begin], "starts"), (stops, "ends"), ([2, 3], "axes")
        x = export.op("Slice", [x, *(export.integers(values, what) for values, what in names)])
    export.op("Resize", [x, "", "", _size(export, export.top[0].shape[2:])], export.outputs[0], mode="linear",
              coordinate_transformation_mode="align_corners")  # fmt: skip


def upsample(export: LayerExport) -> None:
    if len(export.inputs) == 2:
        unpool(export)
        return
    scales = export.constant(np.array([1, 1, export.param.scale, export.param.scale], np.float32), "scales")
    export.op("Resize", [export.x, "", scales], export.outputs[0], mode="nearest", nearest_mode="floor",
              coordinate_transformation_mode="asymmetric")  # fmt: skip


def unpool(export: LayerExport) -> None:
    """Every pixel back at its place."""
    low, high = (product(shape[2:]) for shape in (export.bottom[0].shape, export.top[0].shape))
    num, channels = export.bottom[0].shape[:2]
    values = export.reshape(export.x, (num, channels, low))
    mask = export.op("Cast", [export.inputs[1]], to=export.graph.onnx.TensorProto.INT64)
    zero = export.op("ConstantOfShape", [_size(export, (high,))])
    export.finish(export.op("ScatterElements", [zero, export.reshape(mask, (num, channels, low)), values], axis=2))


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {
        "Permute": permute,
        "Transpose": permute,
        "ReLU6": relu6,
        "ShuffleChannel": shuffle_channel,
        "Axpy": axpy,
        "Reverse": reverse,
        "Reorg": reorg,
        "Normalize": normalize,
        "BN": bn,
        "Interp": interp,
        "Upsample": upsample,
        "Unpooling": unpool,
    }
