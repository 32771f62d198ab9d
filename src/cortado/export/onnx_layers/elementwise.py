"""Layers that treat every element alone, or elements at the same place of several blobs."""

from __future__ import annotations

import math
from collections.abc import Callable

from ...plugins import hookimpl
from ..graph import LayerExport

Mapping = Callable[[LayerExport], None]


def _same(op: str) -> Mapping:
    def mapping(export: LayerExport) -> None:
        export.op(op, [export.x], export.outputs[0])

    return mapping


def relu(export: LayerExport) -> None:
    slope = float(export.param.negative_slope)
    if slope:
        export.op("LeakyRelu", [export.x], export.outputs[0], alpha=slope)
    else:
        export.op("Relu", [export.x], export.outputs[0])


def prelu(export: LayerExport) -> None:
    rest = (1,) * (export.bottom[0].num_axes - 2)
    count = export.layer.blobs[0].count
    export.op("PRelu", [export.x, export.weight(0, (count, *rest))], export.outputs[0])


def elu(export: LayerExport) -> None:
    export.op("Elu", [export.x], export.outputs[0], alpha=float(export.param.alpha))


def rrelu(export: LayerExport) -> None:
    middle = (float(export.param.lower) + float(export.param.upper)) / 2
    export.op("LeakyRelu", [export.x], export.outputs[0], alpha=middle)


def dropout(export: LayerExport) -> None:
    """Passes its bottom on, but for the switches of forks."""
    if getattr(export.layer, "drops", False):
        raise export.unsupported("it drops at random in testing")
    factor = float(getattr(export.layer, "in_testing", 1.0))
    export.op("Mul", [export.x, export.constant(factor)], export.outputs[0])


def _line(export: LayerExport) -> str:
    """shift + scale · x, without what changes nothing."""
    name = export.x
    if export.param.scale != 1:
        name = export.op("Mul", [name, export.constant(float(export.param.scale))])
    if export.param.shift != 0:
        name = export.op("Add", [name, export.constant(float(export.param.shift))])
    return name


def power(export: LayerExport) -> None:
    exponent = float(export.param.power)
    if exponent == 1:
        export.op("Identity", [_line(export)], export.outputs[0])
    else:
        export.op("Pow", [_line(export), export.constant(exponent)], export.outputs[0])


def exp(export: LayerExport) -> None:
    name = _line(export)
    if export.param.base != -1:
        name = export.op("Mul", [name, export.constant(math.log(export.param.base))])
    export.op("Exp", [name], export.outputs[0])


def log(export: LayerExport) -> None:
    name = export.op("Log", [_line(export)])
    factor = 1.0 if export.param.base == -1 else 1.0 / math.log(export.param.base)
    export.op("Mul", [name, export.constant(factor)], export.outputs[0])


def threshold(export: LayerExport) -> None:
    above = export.op("Greater", [export.x, export.constant(float(export.param.threshold))])
    export.op("Cast", [above], export.outputs[0], to=export.graph.onnx.TensorProto.FLOAT)


def clip(export: LayerExport) -> None:
    low, high = export.constant(float(export.param.min), "min"), export.constant(float(export.param.max), "max")
    export.op("Clip", [export.x, low, high], export.outputs[0])


def swish(export: LayerExport) -> None:
    gate = export.op("Sigmoid", [export.op("Mul", [export.x, export.constant(float(export.param.beta))])])
    export.op("Mul", [export.x, gate], export.outputs[0])


def learned_swish(export: LayerExport) -> None:
    beta = export.weight(0, (-1, *(1,) * (export.bottom[0].num_axes - 2)))
    gate = export.op("Sigmoid", [export.op("Mul", [export.x, beta])])
    export.op("Mul", [export.x, gate], export.outputs[0])


def gelu(export: LayerExport) -> None:
    x = export.x
    if export.param.form == 1:
        cube = export.op("Mul", [export.op("Pow", [x, export.constant(3.0)]), export.constant(0.044715)])
        inner = export.op("Mul", [export.op("Add", [x, cube]), export.constant(math.sqrt(2 / math.pi))])
        curve = export.op("Tanh", [inner])
    else:
        curve = export.op("Erf", [export.op("Mul", [x, export.constant(math.sqrt(0.5))])])
    half = export.op("Mul", [export.op("Add", [curve, export.constant(1.0)]), export.constant(0.5)])
    export.op("Mul", [x, half], export.outputs[0])


def mish(export: LayerExport) -> None:
    export.op("Mul", [export.x, export.op("Tanh", [export.op("Softplus", [export.x])])], export.outputs[0])


def hard_sigmoid(export: LayerExport) -> None:
    alpha, beta = float(export.param.alpha), float(export.param.beta)
    export.op("HardSigmoid", [export.x], export.outputs[0], alpha=alpha, beta=beta)


def eltwise(export: LayerExport) -> None:
    operation, coeffs = export.param.operation, list(export.param.coeff)
    if operation == 1 and any(c != 1 for c in coeffs):
        terms = zip(export.inputs, coeffs, strict=True)
        scaled = [n if c == 1 else export.op("Mul", [n, export.constant(float(c))]) for n, c in terms]
        export.op("Sum", scaled, export.outputs[0])
    elif operation == 0:
        export.chain("Mul", export.inputs, export.outputs[0])
    else:
        export.op("Sum" if operation == 1 else "Max", export.inputs, export.outputs[0])


@hookimpl
def cortado_exporters() -> dict[str, Mapping]:
    plain = {
        "AbsVal": "Abs",
        "Sigmoid": "Sigmoid",
        "TanH": "Tanh",
        "BNLL": "Softplus",
        "SELU": "Selu",
        "HardSwish": "HardSwish",
    }
    own = {
        "ReLU": relu,
        "PReLU": prelu,
        "RReLU": rrelu,
        "Dropout": dropout,
        "ELU": elu,
        "Power": power,
        "Exp": exp,
        "Log": log,
        "Threshold": threshold,
        "Clip": clip,
        "Swish": swish,
        "LearnedSwish": learned_swish,
        "GELU": gelu,
        "Mish": mish,
        "HardSigmoid": hard_sigmoid,
        "Eltwise": eltwise,
    }
    return {name: _same(op) for name, op in plain.items()} | own
