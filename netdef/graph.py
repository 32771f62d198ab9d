"""Graph: which blob each bottom and top is, before any layer exists.

``wire`` resolves names: a top makes a new blob, or writes its bottom's in place; a bottom reads the latest blob of its
name, and each blob is read once (splits have been inserted). The checks here need only what layer classes declare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import CortadoError, NetError, nearest
from ..layers import Layer
from ..plugins import PluginManager
from ..plugins.dialects import layer_class
from .state import LayerSpec

AUTOMATIC = "(automatic)"
"""The name of a top that a loss layer makes for itself."""


@dataclass
class Node:
    """A layer of the graph: its definition, its class, and the indices of its blobs."""

    spec: LayerSpec
    layer_class: type[Layer]
    bottoms: list[int] = field(default_factory=list)
    tops: list[int] = field(default_factory=list)
    loss_weights: list[float] = field(default_factory=list)


@dataclass
class Graph:
    """The wiring of a net: ``nodes`` in order; blob names by index, and indices by name; which blobs nobody reads
    (``outputs``, sorted); the tops of Input layers (``inputs``); what the backward passes of the layers that wrote a
    blob need of its data (``needed``)."""

    nodes: list[Node] = field(default_factory=list)
    blob_names: list[str] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    needed: dict[int, str] = field(default_factory=dict)


def wire(
    layers: list[LayerSpec],
    plugins: PluginManager,
    report: Callable[[CortadoError], None] | None = None,
    *,
    training: bool = True,
) -> Graph:
    """The graph of *layers*, which are selected and have their splits.

    Where a layer would overwrite in place what the backward pass of an earlier one needs (a Dropout behind a Sigmoid,
    say) it gets a blob of its own, under the same name, unless *training* is false: the values stay the same, and
    the gradients are right, which in Caffe they are not.

    Errors: UnknownLayerError, NetError for wrong arity, a bottom nobody writes, a top written twice, or counts of
    loss_weight, propagate_down that do not fit. They are raised, or given to *report* one by one, in which case the
    layer is left out of the graph.
    """
    graph = Graph()
    available: dict[str, int] = {}
    for spec in layers:
        try:
            node = Node(spec, _layer_class(spec, plugins))
            _check_counts(node)
            _append_bottoms(graph, node, available)
            _append_tops(graph, node, available, training)
            node.loss_weights = _loss_weights(node)
        except CortadoError as error:
            if report is None:
                raise
            report(error)
            _abandon(graph, spec, available)
        else:
            graph.nodes.append(node)
    graph.outputs = [available[name] for name in sorted(available)]
    return graph


def _layer_class(spec: LayerSpec, plugins: PluginManager) -> type[Layer]:
    where = spec.positions.at("type") if spec.positions is not None else None
    found: type[Layer] = layer_class(spec.config, plugins, where)
    return found


def _fail(spec: LayerSpec, rule: str, *path: str | int, got: object = None, hint: str | None = None) -> NetError:
    where = spec.positions.at(*path) if spec.positions is not None else None
    return NetError(rule, where=where, who=spec.who, got=None if got is None else str(got), hint=hint)


def _check_counts(node: Node) -> None:
    config, cls = node.spec.config, node.layer_class
    bottoms, tops = len(config.bottom), len(config.top)
    if not cls.bottoms.accepts(bottoms):
        raise _fail(node.spec, f"{config.type} takes {cls.bottoms} bottom blob(s)", "bottom", got=bottoms)
    if not cls.tops.accepts(tops) and not (cls.auto_tops and tops < cls.tops.minimum):
        raise _fail(node.spec, f"{config.type} produces {cls.tops} top blob(s)", "top", got=tops)
    if cls.paired and bottoms != tops:
        raise _fail(node.spec, "there must be as many tops as bottoms", "top", got=f"{bottoms} bottoms, {tops} tops")
    if config.propagate_down and len(config.propagate_down) != bottoms:
        rule = f"propagate_down must be left out or given once per bottom ({bottoms})"
        raise _fail(node.spec, rule, "propagate_down", got=len(config.propagate_down))


def _append_bottoms(graph: Graph, node: Node, available: dict[str, int]) -> None:
    for index, name in enumerate(node.spec.config.bottom):
        if name not in available:
            hint = nearest(name, graph.index) or "a bottom must be the top of a layer before it"
            raise _fail(node.spec, f"unknown bottom blob '{name}' (bottom {index})", "bottom", index, hint=hint)
        node.bottoms.append(available.pop(name))


def _append_tops(graph: Graph, node: Node, available: dict[str, int], training: bool) -> None:
    config = node.spec.config
    for index, name in enumerate(config.top):
        if index < len(config.bottom) and config.bottom[index] == name:
            _check_in_place(node, index)
            blob = node.bottoms[index]
            if training and _overwrites_what_is_needed(graph, node, blob):
                blob = _new_blob(graph, name)
        elif name in graph.index:
            raise _fail(
                node.spec,
                f"blob '{name}' is already written by another layer",
                "top",
                index,
                hint="give the top a name of its own; in place works only on the bottom of the same index",
            )
        else:
            blob = _new_blob(graph, name)
        node.tops.append(blob)
        available[name] = blob
        if config.type == "Input":
            graph.inputs.append(blob)
    while node.layer_class.auto_tops and len(node.tops) < node.layer_class.tops.minimum:
        node.tops.append(_new_blob(graph, AUTOMATIC))
    for blob in node.tops:
        in_place = blob in node.bottoms
        need = node.layer_class.top_needed(config, in_place)
        graph.needed[blob] = max(need, graph.needed.get(blob, "nothing") if in_place else "nothing", key=NEEDS.index)


NEEDS = ("nothing", "sign", "values")
"""What a backward pass may need of its top's data, in rising order."""


def _overwrites_what_is_needed(graph: Graph, node: Node, blob: int) -> bool:
    need = graph.needed.get(blob, "nothing")
    return need == "values" or (need == "sign" and not node.layer_class.keeps_sign)


def _check_in_place(node: Node, index: int) -> None:
    if not node.layer_class.in_place:
        name = node.spec.config.top[index]
        rule = f"{node.spec.config.type} cannot run in place"
        raise _fail(node.spec, rule, "top", index, got=f"'{name}' as bottom and top", hint="give the top a new name")


def _new_blob(graph: Graph, name: str) -> int:
    graph.blob_names.append(name)
    graph.index[name] = len(graph.blob_names) - 1
    return graph.index[name]


def _loss_weights(node: Node) -> list[float]:
    given = list(node.spec.config.loss_weight)
    if given and len(given) != len(node.tops):
        rule = f"loss_weight must be left out or given once per top ({len(node.tops)})"
        raise _fail(node.spec, rule, "loss_weight", got=len(given))
    if given:
        return given
    return [1.0 if node.layer_class.is_loss and index == 0 else 0.0 for index in range(len(node.tops))]


def _abandon(graph: Graph, spec: LayerSpec, available: dict[str, int]) -> None:
    """Make the tops of a layer that could not be wired, so that the rest can still be looked at."""
    for name in spec.config.bottom:
        available.pop(name, None)
    for name in spec.config.top:
        available[name] = graph.index[name] if name in graph.index else _new_blob(graph, name)
