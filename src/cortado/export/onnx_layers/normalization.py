"""BatchNorm, Scale, Bias, LRN, MVN, Softmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...plugins import hookimpl
from ..graph import LayerExport


def batch_norm(export: LayerExport) -> None:
    param = export.param
    if param.HasField("use_global_stats") and not param.use_global_stats:
        raise export.unsupported("use_global_stats: false takes the statistics of the batch")
    mean, variance, factor = (blob.data for blob in export.layer.blobs[:3])
    scale = 0.0 if factor.ravel()[0] == 0 else 1.0 / float(factor.ravel()[0])
    shape = (mean.size, *(1,) * (export.bottom[0].num_axes - 2)) if export.bottom[0].num_axes > 1 else ()
    centred = export.op("Sub", [export.x, export.constant(mean.reshape(shape) * scale, "mean")])
    gain = 1.0 / np.sqrt(variance.astype(np.float64) * scale + param.eps)
    if len(export.layer.blobs) < 5:
        export.op("Mul", [centred, export.constant(gain.reshape(shape), "gain")], export.outputs[0])
        return
    gain = gain * export.layer.blobs[3].data  # NVCaffe's layer has a scale and a bias of its own
    normal = export.op("Mul", [centred, export.constant(gain.reshape(shape), "gain")])
    export.op("Add", [normal, export.weight(4, shape)], export.outputs[0])


def _shape(export: LayerExport, operand: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which an operand is repeated along the axes that it lacks."""
    axes = export.bottom[0].num_axes
    axis = export.param.axis % axes if operand else axes
    return (*operand, *(1,) * (axes - axis - len(operand)))


def scale(export: LayerExport) -> None:
    _operand(export, "Mul", 0, bool(export.param.bias_term))


def bias(export: LayerExport) -> None:
    _operand(export, "Add", 0, False)


def _operand(export: LayerExport, op: str, index: int, with_bias: bool) -> None:
    if len(export.inputs) == 2:
        shape = _shape(export, export.bottom[1].shape)
        other = export.reshape(export.inputs[1], shape)
    else:
        shape = _shape(export, export.layer.blobs[index].shape)
        other = export.weight(index, shape)
    if with_bias:
        product = export.op(op, [export.x, other])
        export.op("Add", [product, export.weight(len(export.layer.blobs) - 1, shape)], export.outputs[0])
    else:
        export.op(op, [export.x, other], export.outputs[0])


def lrn(export: LayerExport) -> None:
    param = export.param
    alpha, beta, size, k = float(param.alpha), float(param.beta), int(param.local_size), float(param.k)
    if param.norm_region == 0:
        export.op("LRN", [export.x], export.outputs[0], alpha=alpha, beta=beta, bias=k, size=size)
        return
    pad = (size - 1) // 2
    square = export.op("Mul", [export.x, export.x])
    mean = export.op("AveragePool", [square], kernel_shape=[size, size], strides=[1, 1], pads=[pad] * 4,
                     count_include_pad=1)  # fmt: skip
    base = export.op("Add", [export.op("Mul", [mean, export.constant(alpha)]), export.constant(1.0)])
    export.op("Mul", [export.x, export.op("Pow", [base, export.constant(-beta)])], export.outputs[0])


def mvn(export: LayerExport) -> None:
    param = export.param
    axes = [1, 2, 3] if param.across_channels else [2, 3]
    x = export.reshape(export.x, export.top[0].shape)
    centred = export.op("Sub", [x, export.op("ReduceMean", [x], axes=axes, keepdims=1)])
    if not param.normalize_variance:
        export.op("Identity", [centred], export.outputs[0])
        return
    variance = export.op("ReduceMean", [export.op("Mul", [centred, centred])], axes=axes, keepdims=1)
    deviation = export.op("Add", [export.op("Sqrt", [variance]), export.constant(float(param.eps))])
    export.op("Div", [centred, deviation], export.outputs[0])


def softmax(export: LayerExport) -> None:
    export.op("Softmax", [export.x], export.outputs[0], axis=export.param.axis % export.bottom[0].num_axes)


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {"BatchNorm": batch_norm, "Scale": scale, "Bias": bias, "LRN": lrn, "MVN": mvn, "Softmax": softmax}
