"""Layers that move, join, pick or sum up values: Concat, Slice, Reshape, Crop, ArgMax, Reduction and the like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...plugins import hookimpl
from ..graph import LayerExport


def concat(export: LayerExport) -> None:
    param = export.param
    axis = param.concat_dim if param.HasField("concat_dim") else param.axis % export.top[0].num_axes
    export.op("Concat", export.inputs, export.outputs[0], axis=axis)


def slice_(export: LayerExport) -> None:
    param = export.param
    axis = param.slice_dim if param.HasField("slice_dim") else param.axis % export.bottom[0].num_axes
    if len(export.outputs) == 1:
        export.op("Identity", [export.x], export.outputs[0])
        return
    sizes = export.integers([blob.shape[axis] for blob in export.top], "sizes")
    export.ops("Split", [export.x, sizes], export.outputs, axis=axis)


def reshape(export: LayerExport) -> None:
    export.finish(export.x)


def split(export: LayerExport) -> None:
    for output in export.outputs:
        export.op("Identity", [export.x], output)


def silence(export: LayerExport) -> None:
    """Makes nothing."""


def crop(export: LayerExport) -> None:
    axis = export.param.axis % export.bottom[0].num_axes
    axes = list(range(axis, export.bottom[0].num_axes))
    given = list(export.param.offset) or [0]
    starts = given * len(axes) if len(given) == 1 else given
    ends = [s + export.top[0].shape[a] for s, a in zip(starts, axes, strict=True)]
    bounds = [export.integers(starts, "starts"), export.integers(ends, "ends"), export.integers(axes, "axes")]
    export.op("Slice", [export.x, *bounds], export.outputs[0])


def tile(export: LayerExport) -> None:
    repeats = [1] * export.bottom[0].num_axes
    repeats[export.param.axis % len(repeats)] = export.param.tiles
    export.op("Tile", [export.x, export.integers(repeats, "repeats")], export.outputs[0])


def parameter(export: LayerExport) -> None:
    export.op("Identity", [export.weight(0)], export.outputs[0])


def batch_reindex(export: LayerExport) -> None:
    index = export.op("Cast", [export.inputs[1]], to=export.graph.onnx.TensorProto.INT64)
    export.op("Gather", [export.x, index], export.outputs[0], axis=0)


def filter_(export: LayerExport) -> None:
    """How many rows are left only the data tell."""
    marks = export.op("Reshape", [export.inputs[-1], export.integers([-1])])
    chosen = export.op("Cast", [marks], to=export.graph.onnx.TensorProto.BOOL)
    for index, output in enumerate(export.outputs):
        export.op("Compress", [export.inputs[index], chosen], output, axis=0)
        export.loose[index] = (0,)


def dummy_data(export: LayerExport) -> None:
    if export.layer.refilled:  # type: ignore[attr-defined]
        raise export.unsupported("its numbers are drawn anew each time")
    for blob, output in zip(export.top, export.outputs, strict=True):
        export.op("Identity", [export.constant(blob.data, "data")], output)


def reduction(export: LayerExport) -> None:
    param, shape = export.param, export.bottom[0].shape
    axes = list(range(param.axis % len(shape), len(shape)))
    x = export.x
    if param.operation == 2:
        x = export.op("Abs", [x])
    elif param.operation == 3:
        x = export.op("Mul", [x, x])
    if param.operation == 4:
        total = export.op("ReduceMean", [x], axes=axes, keepdims=0)
    else:
        total = export.op("ReduceSum", [x, export.integers(axes, "axes")], keepdims=0)
    export.op("Mul", [total, export.constant(float(param.coeff))], export.outputs[0])


def backwards(export: LayerExport, name: str, axis: int, output: str | None = None) -> str:
    """*name* with one axis turned round."""
    beyond = int(np.iinfo(np.int64).min)
    bounds = [export.integers([n], what) for n, what in ((-1, "start"), (beyond, "end"), (axis, "axis"), (-1, "step"))]
    return export.op("Slice", [name, *bounds], output)


def arg_max(export: LayerExport) -> None:
    """Of equal values Cortado takes the last, ONNX's TopK the first: it gets them from the end."""
    param, shape = export.param, export.bottom[0].shape
    along = param.HasField("axis")
    axis = param.axis % len(shape) if along else 1
    x = export.x if along else export.op("Flatten", [export.x], axis=1)
    last = (shape[axis] if along else export.bottom[0].count // max(1, shape[0])) - 1
    x = backwards(export, x, axis)
    names = [export.graph.name(f"{export.layer.name}/{what}") for what in ("values", "indices")]
    export.ops("TopK", [x, export.integers([param.top_k], "k")], names, axis=axis)
    places = export.op("Sub", [export.constant(np.int64(last), "last"), names[1]])
    indices = export.op("Cast", [places], to=export.graph.onnx.TensorProto.FLOAT)
    if not param.out_max_val:
        export.finish(indices)
    elif along:
        export.finish(names[0])
    else:
        export.finish(export.op("Concat", [indices, names[0]], axis=1))


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {
        "Concat": concat,
        "Slice": slice_,
        "Reshape": reshape,
        "Flatten": reshape,
        "Split": split,
        "Silence": silence,
        "Crop": crop,
        "Tile": tile,
        "Parameter": parameter,
        "DummyData": dummy_data,
        "Filter": filter_,
        "BatchReindex": batch_reindex,
        "Reduction": reduction,
        "ArgMax": arg_max,
    }
