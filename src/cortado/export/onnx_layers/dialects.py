"""Layers of Caffe's forks that ONNX has words for."""

from __future__ import annotations

from collections.abc import Callable

from ...plugins import hookimpl
from ..graph import LayerExport


def permute(export: LayerExport) -> None:
    given = list(export.param.order)
    rest = [axis for axis in range(export.bottom[0].num_axes) if axis not in given]
    export.op("Transpose", [export.x], export.outputs[0], perm=[*given, *rest])


def relu6(export: LayerExport) -> None:
    export.op("Clip", [export.x, export.constant(0.0, "min"), export.constant(6.0, "max")], export.outputs[0])


def shuffle_channel(export: LayerExport) -> None:
    num, channels, *rest = export.bottom[0].shape
    group = int(export.param.group)
    grouped = export.reshape(export.x, (num, group, channels // group, *rest))
    axes = [0, 2, 1, *range(3, 3 + len(rest))]
    export.finish(export.op("Transpose", [grouped], perm=axes))


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {"Permute": permute, "ReLU6": relu6, "ShuffleChannel": shuffle_channel}
