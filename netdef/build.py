"""Build: from a graph to layers with shaped blobs. Takes no memory for data and reads none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import CortadoError, NetError, ShapeError
from ..layers import Blob, Layer, LayerContext
from .graph import Graph, Node
from .splits import SPLIT


@dataclass
class Built:
    """The layers and blobs of a graph. In a static check ``shaped[i]`` says whether blob *i* has a known shape, and
    ``unchecked`` names the layers whose shapes could not be worked out."""

    graph: Graph
    blobs: list[Blob]
    layers: list[Layer] = field(default_factory=list)
    shaped: list[bool] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)


def build(graph: Graph, context: LayerContext) -> Built:
    """Make every layer of *graph*, set it up, and give all blobs their shapes.

    Errors: whatever a layer refuses (ParameterError, ShapeError …), with its name and line.
    """
    built = _start(graph, context)
    for node in graph.nodes:
        layer = _make(built, node, context)
        bottoms, tops = _blobs_of(built, node)
        try:
            _check_declared(layer)
            layer.setup(bottoms, tops)
            _check_params(layer, node)
            layer.reshape(bottoms, tops)
        except CortadoError as error:
            raise error.located(node.spec.where, layer.who) from None
        except MemoryError as error:
            raise _too_large(error).located(node.spec.where, layer.who) from None
    return built


def _too_large(error: MemoryError) -> CortadoError:
    return ShapeError(f"the blobs are too large for this machine: {error}".removesuffix(": "))


def build_static(
    graph: Graph,
    context: LayerContext,
    report: Callable[[CortadoError], None],
    shapes: Mapping[str, Sequence[int]],
) -> Built:
    """As ``build``, for a check without data: errors go to *report*, and where a shape cannot be known without
    reading data, nor stands in *shapes* by blob name, the layers that depend on it are left unchecked."""
    built = _start(graph, context)
    for node in graph.nodes:
        layer = _make(built, node, context)
        bottoms, tops = _blobs_of(built, node)
        known = all(built.shaped[b] for b in node.bottoms)
        if known:
            try:
                _check_declared(layer)
                known = layer.infer_shapes(bottoms, tops)
                if known:
                    _check_params(layer, node)
            except CortadoError as error:
                report(error.located(node.spec.where, layer.who))
                known = False
            except MemoryError as error:
                report(_too_large(error).located(node.spec.where, layer.who))
                known = False
        if known:
            _check_given(built, node, layer, shapes, report)
        for top in node.tops:
            built.shaped[top] = known
            if not known and graph.blob_names[top] in shapes:
                built.blobs[top].reshape(shapes[graph.blob_names[top]])
                built.shaped[top] = True
        if not all(built.shaped[t] for t in node.tops) or not (known or node.tops):
            built.unchecked.append(layer.name)
    return built


def _check_given(
    built: Built, node: Node, layer: Layer, shapes: Mapping[str, Sequence[int]], report: Callable[[CortadoError], None]
) -> None:
    """See that what *shapes* says of a blob whose shape is known is no other one, but for the size of the batch."""
    for top in node.tops:
        name, shape = built.graph.blob_names[top], built.blobs[top].shape
        if name in shapes and (len(shape) != len(shapes[name]) or shape[1:] != tuple(shapes[name][1:])):
            report(
                ShapeError(
                    f"only a blob whose shape the data tells can be given one; '{name}' is {'x'.join(map(str, shape))}",
                    where=node.spec.where,
                    who=layer.who,
                    got="x".join(map(str, shapes[name])),
                    hint="change it in the file",
                )
            )


def _start(graph: Graph, context: LayerContext) -> Built:
    blobs = [Blob((0,), context.dtype, name) for name in graph.blob_names]
    for node in graph.nodes:
        if node.spec.config.type == "Split" and node.spec.config.name.endswith(SPLIT):
            for top in node.tops:
                blobs[top].told = blobs[node.bottoms[0]].told
    return Built(graph, blobs, shaped=[False] * len(blobs))


def _make(built: Built, node: Node, context: LayerContext) -> Layer:
    config: Any = node.spec.config
    if not config.HasField("phase"):
        config = type(config)()
        config.CopyFrom(node.spec.config)
        config.phase = int(context.phase)
    layer = node.layer_class(config, replace(context, positions=node.spec.positions))
    built.layers.append(layer)
    return layer


def _blobs_of(built: Built, node: Node) -> tuple[list[Blob], list[Blob]]:
    return [built.blobs[b] for b in node.bottoms], [built.blobs[t] for t in node.tops]


def _check_declared(layer: Layer) -> None:
    """The rules of parameters declared in Python, which text has met already, and binary files and code have not."""
    if layer.parameters is not None:
        layer.parameters.require(layer.config, layer.context.position, layer.who)


def _check_params(layer: Layer, node: Node) -> None:
    given, made = len(node.spec.config.param), len(layer.blobs)
    if given > made:
        raise NetError(
            f"there must be no more param blocks than learned blobs ({made})",
            where=layer.context.position("param", made),
            who=layer.who,
            got=str(given),
        )
    for index in layer.frozen:
        if index < given and node.spec.config.param[index].lr_mult != 0:
            raise NetError(
                f"learned blob {index} holds statistics, so its lr_mult must be 0",
                where=layer.context.position("param", index),
                who=layer.who,
                got=f"{node.spec.config.param[index].lr_mult:g}",
                hint="remove the param block, or set lr_mult: 0",
            )
