"""Pooling and SPP.

Caffe rounds the size of the output up, and counts padding in averages, but not what lies beyond the padding. ONNX's own
``ceil_mode`` is computed differently by different programs, so the windows are laid out here: padding at the end is
made just so large that rounding down gives Caffe's size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from ...plugins import hookimpl
from ..graph import LayerExport
from .linear import spatial

MAX, AVE = 0, 1


def pooling(export: LayerExport) -> None:
    param = export.param
    if param.pool not in (MAX, AVE):
        raise export.unsupported("stochastic pooling is random")
    if len(export.outputs) > 1:
        raise export.unsupported("the mask of a pooling layer (its second top) counts places otherwise")
    if param.global_pooling:
        export.op("GlobalMaxPool" if param.pool == MAX else "GlobalAveragePool", [export.x], export.outputs[0])
        return
    kernel, stride, pad = (spatial(param, n, 2, d) for n, d in (("kernel_size", 0), ("stride", 1), ("pad", 0)))
    pool(export, param.pool, kernel, stride, pad, export.top[0].shape[2:], export.outputs[0])


def pool(export: LayerExport, kind: int, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
         size: Sequence[int], output: str | None = None) -> str:  # fmt: skip
    """Pool the first input to *size*."""
    sizes = zip(size, stride, kernel, export.bottom[0].shape[2:], pad, strict=True)
    end = [max(0, (out - 1) * s + k - have - p) for out, s, k, have, p in sizes]
    windows = {"kernel_shape": list(kernel), "strides": list(stride)}
    if kind == MAX:
        return export.op("MaxPool", [export.x], output, pads=[*pad, *end], **windows)
    if all(e <= p for e, p in zip(end, pad, strict=True)):
        return export.op("AveragePool", [export.x], output, pads=[*pad, *end], count_include_pad=1, **windows)
    name, beyond = export.x, end
    if any(pad):
        name = export.op("Pad", [name, export.integers([0, 0, *pad, 0, 0, *pad], "pads")])
        beyond = [max(0, e - p) for e, p in zip(end, pad, strict=True)]
    return export.op("AveragePool", [name], output, pads=[0, 0, *beyond], count_include_pad=0, **windows)


def spp(export: LayerExport) -> None:
    num, _, *size = export.bottom[0].shape
    parts = []
    for level in range(export.param.pyramid_height):
        bins = 2**level
        kernel = [ceil(s / bins) for s in size]
        pad = [(k * bins - s + 1) // 2 for k, s in zip(kernel, size, strict=True)]
        out = [bins if ceil((s + 2 * p - k) / k) + 1 >= bins else 1 for s, p, k in zip(size, pad, kernel, strict=True)]
        parts.append(export.reshape(pool(export, export.param.pool, kernel, kernel, pad, out), (num, -1)))
    export.finish(export.op("Concat", parts, axis=1) if len(parts) > 1 else parts[0])


def maxout(export: LayerExport) -> None:
    num, channels, *rest = export.bottom[0].shape
    pieces = int(export.param.pieces)
    grouped = export.reshape(export.x, (num, channels // pieces, pieces, *rest))
    export.op("ReduceMax", [grouped], export.outputs[0], axes=[2], keepdims=0)


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {"Pooling": pooling, "SPP": spp, "Maxout": maxout}
