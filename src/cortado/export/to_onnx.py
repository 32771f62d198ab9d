"""To ONNX: a trained net as an ONNX model, and the proof that it computes the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engines.reference import ReferenceEngine
from ..errors import NetError, ParameterError, Position
from ..layers import Shape
from ..netdef import Net
from ..netdef.definition import NetSource, definition
from ..netdef.deploy import deploy
from ..plugins import PluginManager, plugin_manager
from ..proto import atomic_write
from . import dynamic
from .compare import TOLERANCE, Difference, compare as compare_with_runtime, run_onnx
from .graph import OPSET
from .lowering import Lowered, dims, lower, pack

__all__ = ["TOLERANCE", "Difference", "OnnxExport", "export_onnx", "run_onnx"]


@dataclass
class OnnxExport:
    """What was exported: the ``model`` (an onnx.ModelProto), its ``opset``, the ``net`` it came from, and, once they
    were compared, the difference of each output; ``notes`` has what was left out, and where agreement says little.

    Outputs that a Softmax or Sigmoid squeezes are compared before that too, and what goes into layers that rank."""

    model: Any
    net: Net
    opset: int = OPSET
    differences: dict[str, Difference] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def worst(self) -> float:
        """The largest difference, in units of the largest value of its blob where that is above 1."""
        return max((one.judged for one in self.differences.values()), default=0.0)

    def save(self, path: str | Path) -> None:
        """Write the model, whole or not at all."""
        atomic_write(path, self.model.SerializeToString())


def export_onnx(
    source: NetSource,
    weights: str | Path | Sequence[str | Path] | None = None,
    *,
    batch: int | None = None,
    dynamic_batch: bool = False,
    shapes: dict[str, Shape] | None = None,
    level: int | None = None,
    stages: Sequence[str] = (),
    compare: bool = True,
    engine: str | ReferenceEngine = "auto",
    seed: int = 0,
    allow_python_layers: bool = False,
) -> OnnxExport:
    """The net *source* with *weights* as an ONNX model of opset 17, for batches of *batch* (default: as it says), or
    with *dynamic_batch* of any size; *shapes* are those of inputs that only data could tell.

    A net that was trained is turned into its deploy net first. With *compare*, ONNX Runtime and Cortado's *engine* run
    the same random inputs, and outputs must agree within 1e-4 (of their largest value, where that is above 1); with
    *dynamic_batch* they do so for batches of 1 and of 3.

    Errors: NetError for layers without an ONNX meaning, each with its line; NumericsError where numbers differ, or are
    all NaN or infinite; MissingExtraError without onnx, or without onnxruntime to compare with.
    """
    if dynamic_batch and batch is not None:
        raise ParameterError("a batch is either of a given size or of any", got=f"batch {batch} and dynamic_batch")
    plugins = plugin_manager()
    document = definition(source, plugins)
    folder = Path(source).parent if isinstance(source, (str, Path)) else Path()
    lines = {layer.name: document.positions.child("layer", i).here for i, layer in enumerate(document.message.layer)}
    notes: list[str] = []

    def lowered(size: int | None) -> Lowered:
        made = deploy(document, batch=size, shapes=shapes, level=level, stages=stages, folder=folder,
                      plugins=plugins)  # fmt: skip
        notes[:] = made.notes
        _refuse(made.message, lines, plugins)
        net = Net(made.message, weights=weights, engine=engine, seed=seed, folder=folder,
                  allow_python_layers=allow_python_layers)  # fmt: skip
        return lower(net, lines)

    graphs = [lowered(size) for size in (dynamic.BATCHES if dynamic_batch else (batch,))]
    inputs, outputs = ([dims(one, *names(one)) for one in graphs] for names in (_inputs, _outputs))
    if dynamic_batch:
        dynamic.join(graphs[0], graphs[1], lines)
        inputs, outputs = [dynamic.open_dims(*inputs)], [dynamic.open_dims(*outputs)]
    result = OnnxExport(pack(graphs[0], inputs[0], outputs[0]), graphs[0].net, notes=notes)
    for one in graphs if compare else ():
        for name, found in compare_with_runtime(result.model, one, seed).items():
            before = result.differences.get(name, found)
            result.differences[name] = max(before, found, key=lambda difference: difference.judged)
            if found.doubt and f"'{name}': {found.doubt}" not in result.notes:
                result.notes.append(f"'{name}': {found.doubt}")
    return result


def _inputs(made: Lowered) -> tuple[list[str], list[str]]:
    return made.net.inputs, made.net.inputs


def _outputs(made: Lowered) -> tuple[list[str], list[str]]:
    return made.outputs, made.net.outputs


def _refuse(message: Any, lines: dict[str, Position], plugins: PluginManager) -> None:
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
