"""Summary: what a net is made of, layer by layer, told without data and without memory for blobs.

``summarize`` gives the rows that ``cortado summary`` prints and that ``cortado draw`` makes a picture of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..engines import get_engine
from ..errors import CortadoError, NetError
from ..layers import Blob, Layer, LayerContext, Phase, Shape
from ..plugins import PluginManager, plugin_manager
from .build import build_static
from .definition import NetSource, definition
from .graph import AUTOMATIC, Graph, wire
from .passes import run_passes
from .sharing import learnable_parameters
from .splits import insert_splits
from .state import NetState, select
from .summary_cost import multiply_adds

FLOAT = 4
"""Bytes of a number in a net of single precision."""


@dataclass
class BlobRow:
    """A blob by the name that the file gives it, and its shape, None where only data could tell."""

    name: str
    shape: Shape | None

    @property
    def count(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape is not None else 0

    def __str__(self) -> str:
        return by(self.shape)


@dataclass
class LayerRow:
    """One layer.

    ``params``: shapes of its learned blobs; ``parameters``: how many numbers they hold, without those that belong to
    an earlier layer; ``macs``: multiply-adds of one forward pass, None where shapes are unknown; ``bytes``: of the
    top blobs that it makes, in single precision, without gradients; ``in_place`` says that it writes over its bottom.
    """

    name: str
    type: str
    config: Any
    bottoms: list[BlobRow] = field(default_factory=list)
    tops: list[BlobRow] = field(default_factory=list)
    params: list[Shape] = field(default_factory=list)
    parameters: int = 0
    learnable: int = 0
    macs: int | None = None
    bytes: int = 0
    in_place: bool = False
    is_loss: bool = False


@dataclass
class Summary:
    """A net: its ``name``, ``state`` and the ``layers`` in order; ``edges`` as (from layer, its top, to layer, its
    bottom), all by index, with splits taken out."""

    name: str
    state: NetState
    layers: list[LayerRow] = field(default_factory=list)
    edges: list[tuple[int, int, int, int]] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.layers)

    @property
    def learnable(self) -> int:
        return sum(row.learnable for row in self.layers)

    @property
    def macs(self) -> int:
        return sum(row.macs or 0 for row in self.layers)

    @property
    def bytes(self) -> int:
        """Of all blobs between layers, without gradients."""
        return sum(row.bytes for row in self.layers)

    @property
    def unknown(self) -> list[str]:
        """Layers whose shapes only data could tell."""
        return [row.name for row in self.layers if row.macs is None]


def by(shape: Shape | None) -> str:
    """A shape as people write it: ``64x3x28x28``."""
    if shape is None:
        return "?"
    return "x".join(map(str, shape)) or "scalar"


def summarize(
    source: NetSource,
    phase: Phase | None = None,
    *,
    level: int | None = None,
    stages: Sequence[str] = (),
    shapes: dict[str, Shape] | None = None,
    folder: Path | None = None,
    plugins: PluginManager | None = None,
) -> Summary:
    """The summary of *source* in *phase*; by default TEST, or TRAIN where nothing brings data in for TEST.

    *shapes* gives the shapes of blobs that only data could tell. Errors: those that building the net would raise.
    """
    plugins = plugins or plugin_manager()
    document = definition(source, plugins)
    state = _state(document, phase, level, stages)
    specs = insert_splits(run_passes(select(document, state), state, plugins))
    graph = wire(specs, plugins)
    place = Path(source).parent if folder is None and isinstance(source, (str, Path)) else folder or Path()
    problems: list[CortadoError] = []
    context = LayerContext(state.phase, get_engine("reference"), plugins, folder=place)
    built = build_static(graph, context, problems.append, _split_shapes(graph, shapes or {}))
    if problems:
        raise problems[0]
    _check_names(graph, shapes or {})
    parameters, _ = learnable_parameters(built)
    owned = {(id(p.layer), p.index): p for p in parameters}
    result = Summary(document.message.name, state)
    rows = _Rows(graph, built.blobs, built.shaped, result)
    for index, layer in enumerate(built.layers):
        row = rows.add(index, layer)
        if row is None:
            continue
        for number, blob in enumerate(layer.blobs):
            row.params.append(blob.shape)
            owner = owned.get((id(layer), number))
            row.parameters += blob.count if owner else 0
            row.learnable += blob.count if owner and owner.lr_mult else 0
    return result


def _state(document: Any, phase: Phase | None, level: int | None, stages: Sequence[str]) -> NetState:
    state = NetState.of(document, Phase.TEST if phase is None else phase, level, stages)
    if phase is not None:
        return state
    training = NetState.of(document, Phase.TRAIN, level, stages)
    return state if _has_source(document, state) or not _has_source(document, training) else training


def _has_source(document: Any, state: NetState) -> bool:
    return any(not spec.config.bottom for spec in select(document, state))


def _split_shapes(graph: Graph, shapes: dict[str, Shape]) -> dict[str, Shape]:
    return {name: shape for name, shape in shapes.items() if name in graph.index}


def _check_names(graph: Graph, shapes: dict[str, Shape]) -> None:
    from ..errors import nearest

    for name in shapes:
        if name not in graph.index:
            raise NetError(f"there is no blob '{name}' to give a shape to", hint=nearest(name, graph.index))


class _Rows:
    """Makes rows of layers, and remembers which layer wrote each blob, so that splits can be left out."""

    def __init__(self, graph: Graph, blobs: list[Blob], shaped: list[bool], result: Summary) -> None:
        self.graph, self.blobs, self.shaped, self.result = graph, blobs, shaped, result
        self._writer: dict[int, tuple[int, int]] = {}
        self._original: dict[int, int] = {}

    def add(self, index: int, layer: Layer) -> LayerRow | None:
        node = self.graph.nodes[index]
        if node.spec.config.type == "Split":
            for top in node.tops:
                self._original[top] = self._original.get(node.bottoms[0], node.bottoms[0])
                self._writer[top] = self._writer[node.bottoms[0]]
            return None
        place = len(self.result.layers)
        row = LayerRow(layer.name, node.spec.config.type, layer.config, is_loss=type(layer).is_loss)
        row.bottoms = [self._blob(b) for b in node.bottoms]
        row.tops = [self._blob(t) for t in node.tops]
        row.in_place = bool(node.bottoms) and node.bottoms[:1] == node.tops[:1]
        self.result.edges += [(*self._writer[b], place, i) for i, b in enumerate(node.bottoms) if b in self._writer]
        made = [t for t in node.tops if t not in node.bottoms]
        row.bytes = FLOAT * sum(self.blobs[t].count for t in made if self.shaped[t])
        if all(self.shaped[b] for b in (*node.bottoms, *node.tops)):
            bottoms, tops = [self.blobs[b] for b in node.bottoms], [self.blobs[t] for t in node.tops]
            row.macs = multiply_adds(layer, bottoms, tops)
        for number, top in enumerate(node.tops):
            self._writer[top] = (place, number)
        self.result.layers.append(row)
        return row

    def _blob(self, index: int) -> BlobRow:
        original = self._original.get(index, index)
        name = self.graph.blob_names[original]
        return BlobRow("" if name == AUTOMATIC else name, self.blobs[index].shape if self.shaped[index] else None)
