"""To ONNX: a trained net as an ONNX model, and the proof that it computes the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingExtraError, NetError, NumericsError, Position
from ..layers import Array
from ..netdef import Net
from ..netdef.definition import NetSource, definition
from ..netdef.deploy import deploy
from ..plugins import plugin_manager
from ..proto import atomic_write
from .graph import IR_VERSION, OPSET, Graph, LayerExport

TOLERANCE = 1e-4


@dataclass
class OnnxExport:
    """What was exported: the ``model`` (an onnx.ModelProto), its ``opset``, the ``net`` it came from, and, once they
    were compared, the largest difference of each output, in units of its largest value where that is above 1.

    ``tensors`` has, for outputs that a Softmax or Sigmoid squeezes, the blob before it and the tensor's name: those are
    compared too."""

    model: Any
    net: Net
    opset: int = OPSET
    tensors: dict[str, str] = field(default_factory=dict)
    differences: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def worst(self) -> float:
        return max(self.differences.values(), default=0.0)

    def save(self, path: str | Path) -> None:
        """Write the model, whole or not at all."""
        atomic_write(path, self.model.SerializeToString())


def export_onnx(
    source: NetSource,
    weights: str | Path | Sequence[str | Path] | None = None,
    *,
    batch: int | None = None,
    level: int | None = None,
    stages: Sequence[str] = (),
    compare: bool = True,
    seed: int = 0,
    allow_python_layers: bool = False,
) -> OnnxExport:
    """The net *source* with *weights* as an ONNX model of opset 17, for batches of *batch* (default: as it says).

    A net that was trained is turned into its deploy net first. With *compare*, ONNX Runtime and the reference engine
    run the same random inputs, and outputs must agree within 1e-4 (of their largest value, where that is above 1).

    Errors: NetError for layers without an ONNX meaning, each with its line; NumericsError where numbers differ;
    MissingExtraError without onnx, or without onnxruntime to compare with.
    """
    plugins = plugin_manager()
    document = definition(source, plugins)
    folder = Path(source).parent if isinstance(source, (str, Path)) else Path()
    made = deploy(document, batch=batch, level=level, stages=stages, folder=folder, plugins=plugins)
    lines = {layer.name: document.positions.child("layer", i).here for i, layer in enumerate(document.message.layer)}
    _refuse(made.message, lines, plugins)
    net = Net(made.message, weights=weights, engine="reference", seed=seed, folder=folder,
              allow_python_layers=allow_python_layers)  # fmt: skip
    model, names = _model(net, lines)
    result = OnnxExport(model, net, tensors=_before_squeezing(net, names), notes=made.notes)
    if compare:
        result.differences = compare_with_runtime(result, seed)
    return result


def _refuse(message: Any, lines: dict[str, Position], plugins: Any) -> None:
    """One error that names all layers without a mapping."""
    known = set(plugins.registry("exporters").names()) | {"Input"}
    missing = [layer for layer in message.layer if layer.type not in known]
    if not missing:
        return
    first, rest = missing[0], missing[1:]
    more = ", ".join(f"'{one.name}' ({one.type}) at {lines.get(one.name, 'no line')}" for one in rest)
    raise NetError(
        f"there is no ONNX for layers of type {first.type}",
        where=lines.get(first.name),
        who=f"layer '{first.name}' ({first.type})",
        got=f"also {more}" if more else None,
        hint="a plugin brings one with the hook cortado_exporters",
    )


def _before_squeezing(net: Net, names: dict[int, str]) -> dict[str, str]:
    """What saturated outputs would hide: the bottoms of the Softmax and Sigmoid layers that make outputs."""
    ends = {id(net.blobs[name]) for name in net.outputs}
    own = {id(blob): name for name, blob in net.blobs.items()}
    steps = [s for s in net.steps if s.layer.type in ("Softmax", "Sigmoid") and id(s.top[0]) in ends]
    blobs = [step.bottom[0] for step in steps if step.bottom[0] is not step.top[0]]
    return {own[id(blob)]: names[id(blob)] for blob in blobs if own[id(blob)] not in net.inputs}


def _model(net: Net, lines: dict[str, Position]) -> tuple[Any, dict[int, str]]:
    """The model, and the name of each blob's last tensor by the blob's id."""
    graph = Graph()
    names: dict[int, str] = {}
    for name in net.inputs:
        names[id(net.blobs[name])] = graph.name(name)
    last = _last_writers(net)
    plugins = net.context.plugins
    for index, step in enumerate(net.steps):
        if step.layer.config.type == "Input":
            continue
        if step.layer.config.type in ("Split", "Dropout") and step.bottom[0] is not step.top[0]:
            for blob in step.top:
                names[id(blob)] = names[id(step.bottom[0])]
            continue
        inputs = [names[id(blob)] for blob in step.bottom]
        if step.layer.config.type == "Dropout":
            continue
        outputs = [graph.name(_wish(blob.name, step.layer.name, last[id(blob)] == index)) for blob in step.top]
        export = LayerExport(graph, step.layer, step.bottom, step.top, inputs, outputs)
        try:
            plugins.get("exporters", step.layer.config.type).item(export)
        except NetError as error:
            error.where = lines.get(step.layer.name, error.where)
            raise
        names.update((id(blob), name) for blob, name in zip(step.top, outputs, strict=True))
    return _pack(net, graph, names), names


def _last_writers(net: Net) -> dict[int, int]:
    return {id(blob): index for index, step in enumerate(net.steps) for blob in step.top if step.layer.type != "Dropout"
            or step.bottom[0] is not blob}  # fmt: skip


def _wish(blob: str, layer: str, last: bool) -> str:
    return blob if last else f"{blob}/{layer}"


def _pack(net: Net, graph: Graph, names: dict[int, str]) -> Any:
    from .. import __version__

    onnx = graph.onnx
    outputs = []
    for name in net.outputs:
        blob = net.blobs[name]
        if names[id(blob)] != name:
            graph.node("Identity", [names[id(blob)]], [graph.name(f"{name}") if name in net.inputs else name], {})
        outputs.append((graph.nodes[-1].output[0] if names[id(blob)] != name else name, blob.shape))
    real = onnx.TensorProto.FLOAT
    made = onnx.helper.make_graph(
        graph.nodes,
        net.name or "net",
        [onnx.helper.make_tensor_value_info(name, real, net.blobs[name].shape) for name in net.inputs],
        [onnx.helper.make_tensor_value_info(name, real, shape) for name, shape in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    model = onnx.helper.make_model(
        made,
        producer_name="cortado",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model


def compare_with_runtime(result: OnnxExport, seed: int = 0) -> dict[str, float]:
    """Run the model by ONNX Runtime and the net, on random inputs; the differences by output.

    Errors: MissingExtraError without onnxruntime; NumericsError where they are above 1e-4.
    """
    net = result.net
    rng = np.random.default_rng(seed)
    inputs = {name: _random(net, name, rng) for name in net.inputs}
    mine = net(**inputs) | {name: net.blobs[name].data.copy() for name in result.tensors}
    theirs = run_onnx(result.model, inputs, list(result.tensors.values()))
    found: dict[str, float] = {}
    for (name, wanted), got in zip(mine.items(), theirs.values(), strict=True):
        scale = max(1.0, float(np.abs(wanted).max(initial=0.0)))
        found[name] = float(np.abs(wanted - got).max(initial=0.0)) / scale
        if not found[name] <= TOLERANCE:
            rule = f"ONNX Runtime must agree with Cortado within {TOLERANCE:g} in output '{name}'"
            raise NumericsError(rule, who=f"net '{net.name}'", got=f"{found[name]:.3g}")
    return found


def _random(net: Net, name: str, rng: np.random.Generator) -> Array:
    """Normal numbers; ones for what marks sequences, indices for what is looked up."""
    blob = net.blobs[name]
    readers = [(step, i) for step in net.steps for i, b in enumerate(step.bottom) if b is blob]
    for step, index in readers:
        if step.layer.type in ("LSTM", "RNN") and index == 1:
            return (rng.random(blob.shape) < 0.7).astype(np.float32)
        if step.layer.type == "Embed":
            return rng.integers(0, step.layer.param.input_dim, blob.shape).astype(np.float32)
        if step.layer.type == "BatchReindex" and index == 1:
            return rng.integers(0, step.bottom[0].shape[0], blob.shape).astype(np.float32)
    return rng.normal(size=blob.shape).astype(np.float32)


def run_onnx(model: Any, inputs: dict[str, Array], more: Sequence[str] = ()) -> dict[str, Array]:
    """The outputs of an ONNX model by ONNX Runtime, and *more* tensors inside. Errors: MissingExtraError."""
    try:
        import onnxruntime
    except ImportError:
        need = "comparing with ONNX Runtime (which may be switched off)"
        raise MissingExtraError.for_package("onnxruntime", "onnx", need) from None
    if more:
        from onnx import ModelProto, TensorProto, helper

        model = ModelProto.FromString(model.SerializeToString())
        model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in more)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))
