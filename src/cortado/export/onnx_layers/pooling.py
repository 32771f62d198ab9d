"""Pooling, SPP, Maxout and Pooling3D.

Caffe rounds the size of the output up, and counts padding in averages, but not what lies beyond the padding. ONNX's own
``ceil_mode`` is computed differently by different programs, so the windows are laid out here: padding at the end is
made just so large that rounding down gives Caffe's size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np

from ...layers import product
from ...plugins import hookimpl
from ..graph import LayerExport

MAX, AVE, STOCHASTIC = range(3)


def pooling(export: LayerExport) -> None:
    param, layer = export.param, export.layer
    if getattr(param, "global_pooling", False) and len(export.outputs) == 1 and param.pool in (MAX, AVE):
        export.op("GlobalMaxPool" if param.pool == MAX else "GlobalAveragePool", [export.x], export.outputs[0])
        return
    window = layer.geometry  # type: ignore[attr-defined]
    size = export.top[0].shape[2:]
    if param.pool == STOCHASTIC:
        _expected(export, window.kernel, window.stride, size)
    elif len(export.outputs) > 1:
        _with_mask(export, window.kernel, window.stride, window.pad, size)
    else:
        pool(export, param.pool, window.kernel, window.stride, window.pad, size, export.outputs[0])


def pool(export: LayerExport, kind: int, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
         size: Sequence[int], output: str | None = None, of: str | None = None) -> str:  # fmt: skip
    """Pool the first input, or a tensor *of* its shape, to *size*."""
    name = of or export.x
    end = _beyond(export, kernel, stride, pad, size)
    windows = {"kernel_shape": list(kernel), "strides": list(stride)}
    if kind == MAX:
        return export.op("MaxPool", [name], output, pads=[*pad, *end], **windows)
    if all(e <= p for e, p in zip(end, pad, strict=True)):
        return export.op("AveragePool", [name], output, pads=[*pad, *end], count_include_pad=1, **windows)
    beyond = end
    if any(pad):
        name = export.op("Pad", [name, export.integers([0, 0, *pad, 0, 0, *pad], "pads")])
        beyond = [max(0, e - p) for e, p in zip(end, pad, strict=True)]
    return export.op("AveragePool", [name], output, pads=[*[0] * len(pad), *beyond], count_include_pad=0, **windows)


def _beyond(export: LayerExport, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
            size: Sequence[int]) -> list[int]:  # fmt: skip
    """The padding at the end."""
    sizes = zip(size, stride, kernel, export.bottom[0].shape[2:], pad, strict=True)
    return [max(0, (out - 1) * s + k - have - p) for out, s, k, have, p in sizes]


def _with_mask(export: LayerExport, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
               size: Sequence[int]) -> None:  # fmt: skip
    """ONNX counts places through the whole tensor, Cortado within each plane."""
    end = _beyond(export, kernel, stride, pad, size)
    place = export.graph.name(f"{export.layer.name}/place")
    export.ops("MaxPool", [export.x], [export.outputs[0], place], kernel_shape=list(kernel), strides=list(stride),
               pads=[*pad, *end])  # fmt: skip
    within = export.op("Mod", [place, export.constant(np.int64(product(export.bottom[0].shape[2:])), "plane")])
    export.op("Cast", [within], export.outputs[1], to=export.graph.onnx.TensorProto.FLOAT)


def _expected(export: LayerExport, kernel: Sequence[int], stride: Sequence[int], size: Sequence[int]) -> None:
    """Stochastic pooling in testing: sum x² / sum x, 0 where all is 0."""
    squares = export.op("Mul", [export.x, export.x])
    none = [0] * len(kernel)
    above = pool(export, AVE, kernel, stride, none, size, of=squares)
    below = pool(export, AVE, kernel, stride, none, size)
    empty = export.op("Equal", [below, export.constant(0.0)])
    divisor = export.op("Where", [empty, export.constant(1.0), below])
    export.op("Where", [empty, export.constant(0.0), export.op("Div", [above, divisor])], export.outputs[0])


def spp(export: LayerExport) -> None:
    size = export.bottom[0].shape[2:]
    parts = []
    for level in range(export.param.pyramid_height):
        bins = 2**level
        kernel = [ceil(s / bins) for s in size]
        pad = [(k * bins - s + 1) // 2 for k, s in zip(kernel, size, strict=True)]
        out = [bins if ceil((s + 2 * p - k) / k) + 1 >= bins else 1 for s, p, k in zip(size, pad, kernel, strict=True)]
        parts.append(export.op("Flatten", [pool(export, export.param.pool, kernel, kernel, pad, out)], axis=1))
    export.finish(export.op("Concat", parts, axis=1) if len(parts) > 1 else parts[0])


def maxout(export: LayerExport) -> None:
    num, channels, *rest = export.bottom[0].shape
    pieces = int(export.param.pieces)
    grouped = export.reshape(export.x, (num, channels // pieces, pieces, *rest))
    export.op("ReduceMax", [grouped], export.outputs[0], axes=[2], keepdims=0)


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {"Pooling": pooling, "Pooling3D": pooling, "SPP": spp, "Maxout": maxout}
