"""Lowering: a net, layer by layer, as an ONNX graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import NetError, Position
from ..layers import Layer
from ..netdef import Net
from .graph import IR_VERSION, OPSET, Graph, LayerExport

RANKING = ("DetectionOutput", "ArgMax", "Threshold", "Filter")
"""Layers whose result jumps where their bottoms change by a rounding error: which of two is the larger, or kept. So
does a Pooling layer that tells where its maxima were."""


@dataclass
class Lowered:
    """The ``graph`` of a ``net``; ``names`` has each blob's last tensor by the blob's id, ``read`` the tensors that the
    steps in ``RANKING`` read by their index; ``loose`` the axes, by a blob's id, of which only the data tell how large
    they are."""

    net: Net
    graph: Graph = field(default_factory=Graph)
    names: dict[int, str] = field(default_factory=dict)
    read: dict[int, list[str]] = field(default_factory=dict)
    loose: dict[int, tuple[int, ...]] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)

    def squeezed(self) -> dict[str, str]:
        """What saturated outputs would hide: the bottoms of the Softmax and Sigmoid layers that make outputs, with the
        names of their tensors."""
        net = self.net
        ends = {id(net.blobs[name]) for name in net.outputs}
        own = {id(blob): name for name, blob in net.blobs.items()}
        steps = [s for s in net.steps if s.layer.type in ("Softmax", "Sigmoid") and id(s.top[0]) in ends]
        blobs = [step.bottom[0] for step in steps if step.bottom[0] is not step.top[0]]
        return {own[id(blob)]: self.names[id(blob)] for blob in blobs if own[id(blob)] not in net.inputs}


def lower(net: Net, lines: dict[str, Position]) -> Lowered:
    """The graph of *net*, whose layers stand at *lines* by their names. Errors: NetError, with a line."""
    made = Lowered(net)
    graph, names = made.graph, made.names
    for name in net.inputs:
        names[id(net.blobs[name])] = graph.name(name)
    last = {id(blob): i for i, step in enumerate(net.steps) for blob in step.top if not _passes(step.layer)
            or step.bottom[0] is not blob}  # fmt: skip
    for index, step in enumerate(net.steps):
        layer, kind = step.layer, step.layer.config.type
        if kind == "Input":
            continue
        if _passes(layer):
            for blob in step.top:
                names[id(blob)] = names[id(step.bottom[0])]
                _loosen(made, blob, made.loose.get(id(step.bottom[0]), ()))
            continue
        graph.owner = layer.name
        inputs = [names[id(blob)] for blob in step.bottom]
        wishes = (blob.name if last[id(blob)] == index else f"{blob.name}/{layer.name}" for blob in step.top)
        outputs = [graph.name(wish) for wish in wishes]
        export = LayerExport(graph, layer, step.bottom, step.top, inputs, outputs)
        export.loose_bottom = any(id(blob) in made.loose for blob in step.bottom)
        try:
            net.context.plugins.get("exporters", kind).item(export)
        except NetError as error:
            error.where = lines.get(layer.name, error.where)
            raise
        if kind in RANKING or (kind == "Pooling" and len(step.top) > 1):
            made.read[index] = inputs
        for top, (blob, name) in enumerate(zip(step.top, outputs, strict=True)):
            names[id(blob)] = name
            _loosen(made, blob, export.loose.get(top, tuple(range(blob.num_axes)) if export.loose_bottom else ()))
    _name_outputs(made)
    return made


def _passes(layer: Layer) -> bool:
    """Whether the layer's top is its bottom."""
    if layer.config.type == "Dropout":
        return getattr(layer, "in_testing", 1.0) == 1 and not getattr(layer, "drops", False)
    return layer.config.type == "Split"


def _loosen(made: Lowered, blob: Any, axes: tuple[int, ...]) -> None:
    if axes:
        made.loose[id(blob)] = axes


def _name_outputs(made: Lowered) -> None:
    """Outputs are called as the net calls them."""
    net, graph = made.net, made.graph
    for name in net.outputs:
        tensor, wanted = made.names[id(net.blobs[name])], name
        if tensor != name:
            wanted = graph.name(name) if name in net.inputs else name
            graph.node("Identity", [tensor], [wanted], {})
        made.outputs.append(wanted)


Dims = list[int | str | None]


def pack(made: Lowered, inputs: dict[str, Dims], outputs: dict[str, Dims]) -> Any:
    """The ModelProto, with these dimensions of inputs and outputs: a number, a name, or None where it is open."""
    from .. import __version__

    onnx = made.graph.onnx
    info, real = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    whole = onnx.helper.make_graph(
        made.graph.nodes,
        made.net.name or "net",
        [info(name, real, dims) for name, dims in inputs.items()],
        [info(name, real, dims) for name, dims in outputs.items()],
        [onnx.numpy_helper.from_array(value, name) for name, value in made.graph.constants.items()],
    )
    model = onnx.helper.make_model(
        whole,
        producer_name="cortado",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model


def dims(made: Lowered, tensors: list[str], blobs: list[str]) -> dict[str, Dims]:
    """The dimensions of *tensors*, which are *blobs* of the net."""
    found: dict[str, Dims] = {}
    for tensor, name in zip(tensors, blobs, strict=True):
        blob = made.net.blobs[name]
        loose = made.loose.get(id(blob), ())
        found[tensor] = [None if axis in loose else size for axis, size in enumerate(blob.shape)]
    return found
