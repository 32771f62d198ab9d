"""Gradients: which layers take part in the backward pass, and which of their bottoms get a gradient."""

from __future__ import annotations

from dataclasses import dataclass

from .build import Built
from .graph import Node
from .sharing import Parameter, Shared


@dataclass
class Needs:
    """Per layer: whether it runs backward, for which bottoms, and for which of its learned blobs."""

    layers: list[bool]
    bottoms: list[list[bool]]
    params: list[list[bool]]


def gradient_needs(built: Built, parameters: list[Parameter], shared: list[Shared], force: bool = False) -> Needs:
    """Who needs a gradient.

    Going forward, a blob needs one when a layer before it learns (a parameter with lr_mult other than 0) or reads
    such a blob; ``propagate_down`` overrides that for the bottom it stands for. Going backward, a layer takes part
    only if a loss depends on one of its tops and some top's gradient is passed down to it. *force*
    (``force_backward``) makes every layer take part, and every bottom that can have a gradient get one.
    """
    nodes = built.graph.nodes
    needs = Needs([], [], _params(built, parameters, shared))
    _going_forward(nodes, needs, len(built.blobs))
    _going_backward(nodes, needs)
    if force:
        for index, node in enumerate(nodes):
            needs.layers[index] = True
            count = len(node.bottoms)
            allowed = [node.layer_class.takes_gradient(b, count) for b in range(count)]
            needs.bottoms[index] = [n or a for n, a in zip(needs.bottoms[index], allowed, strict=True)]
            frozen = built.layers[index].frozen
            needs.params[index] = [i not in frozen for i in range(len(needs.params[index]))]
    return needs


def _params(built: Built, parameters: list[Parameter], shared: list[Shared]) -> list[list[bool]]:
    rows = {id(layer): [False] * len(layer.blobs) for layer in built.layers}
    for p in parameters:
        rows[id(p.layer)][p.index] = p.lr_mult != 0
    for s in shared:
        rows[id(s.layer)][s.index] = s.owner.lr_mult != 0
    return [rows[id(layer)] for layer in built.layers]


def _going_forward(nodes: list[Node], needs: Needs, blob_count: int) -> None:
    wanted = [False] * blob_count
    for node, params in zip(nodes, needs.params, strict=True):
        inferred = [wanted[b] for b in node.bottoms]
        told = list(node.spec.config.propagate_down)
        needs.bottoms.append(told or inferred)
        learns = any(inferred) or any(params)
        needs.layers.append(learns)
        if learns:
            for top in node.tops:
                wanted[top] = True


def _going_backward(nodes: list[Node], needs: Needs) -> None:
    """Take out what no loss depends on, and what lies before the point where all gradients stop."""
    under_loss: set[int] = set()
    stopped: set[int] = set()
    for index in reversed(range(len(nodes))):
        node, bottoms = nodes[index], needs.bottoms[index]
        matters = any(w or t in under_loss for w, t in zip(node.loss_weights, node.tops, strict=True))
        if all(t in stopped for t in node.tops):
            needs.layers[index] = False
            bottoms[:] = [False] * len(bottoms)
        if not matters:
            needs.layers[index] = False
        for i, blob in enumerate(node.bottoms):
            if matters:
                under_loss.add(blob)
            else:
                bottoms[i] = False
            if not bottoms[i]:
                stopped.add(blob)
