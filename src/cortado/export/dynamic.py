"""Dynamic: one ONNX model for batches of any size.

A mapping of a layer writes shapes as numbers. So a net is lowered twice, for two sizes of the batch; whatever differs
between the two graphs is what depends on the batch. Where that is one number of a shape to reshape to, ONNX can work it
out by itself (-1), and the graph serves all sizes.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from ..errors import NetError, Position
from .lowering import Dims, Lowered

BATCHES = (1, 3)
"""The two sizes that are lowered, and compared with ONNX Runtime."""
NAME = "batch"


def join(one: Lowered, other: Lowered, lines: dict[str, Position]) -> None:
    """Make the graph of *one*, lowered for a batch of 1, serve any; *other* is the same net for a larger one.

    Errors: NetError for a layer that ONNX has in this form only for a batch of known size.
    """
    nodes, others = one.graph.nodes, other.graph.nodes
    for mine, theirs in zip(nodes, others, strict=False):
        if mine.SerializeToString() != theirs.SerializeToString():
            _refuse(one.graph.owners[mine.name], lines)
    if len(nodes) != len(others):
        _refuse(one.graph.owners[max(nodes, others, key=len)[min(len(nodes), len(others))].name], lines)
    shapes = {node.input[1] for node in nodes if node.op_type == "Reshape"}
    for name, mine in one.graph.constants.items():
        theirs = other.graph.constants[name]
        if np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f"):
            continue
        if name not in shapes or mine.shape != theirs.shape or -1 in mine:
            _refuse(one.graph.owners[name], lines)
        differs = np.flatnonzero(mine != theirs)
        if len(differs) != 1 or mine[differs[0]] * BATCHES[1] != theirs[differs[0]] * BATCHES[0]:
            _refuse(one.graph.owners[name], lines)
        mine[differs[0]] = -1


def _refuse(layer: str, lines: dict[str, Position]) -> NoReturn:
    raise NetError(
        "in ONNX this layer needs a batch of known size",
        where=lines.get(layer),
        who=f"layer '{layer}'",
        hint="leave out --dynamic-batch, or give --batch",
    )


def open_dims(one: dict[str, Dims], other: dict[str, Dims]) -> dict[str, Dims]:
    """The dimensions of tensors for any batch: those that differ are called batch where they are its size."""
    return {name: [_open(a, b) for a, b in zip(mine, other[name], strict=True)] for name, mine in one.items()}


def _open(mine: int | str | None, theirs: int | str | None) -> int | str | None:
    if mine == theirs:
        return mine
    return NAME if (mine, theirs) == BATCHES else None
