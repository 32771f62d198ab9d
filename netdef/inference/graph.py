"""The net's steps as operations on values, each of which is written once: what runs in place makes a new value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...layers import Blob, Layer, Phase

if TYPE_CHECKING:
    from ..net import Net


class Value:
    """What an operation hands on. *wanted* values, the outputs and what is to be kept, are never overwritten."""

    def __init__(self, blob: Blob, wanted: bool = False) -> None:
        self.blob = blob
        self.name = blob.name
        self.wanted = wanted
        self.producer: Operation | None = None
        self.readers: list[Operation] = []

    @property
    def sole_reader(self) -> Operation | None:
        """The only operation that reads the value, if nobody else ever sees it."""
        return self.readers[0] if len(self.readers) == 1 and not self.wanted else None

    def __repr__(self) -> str:
        return f"<Value '{self.name}'>"


class Operation:
    """Something that reads the values *bottoms* and writes the values *tops*.

    ``shape`` gives the tops their shapes, and lets a top lie where a bottom does if it is computed there; ``bind`` is
    called when all values have their memory, and whenever a bottom has changed its shape; ``run`` computes.
    """

    def __init__(self, bottoms: Sequence[Value], tops: Sequence[Value]) -> None:
        self.bottoms = list(bottoms)
        self.tops = list(tops)
        self.seen: list[int] = []
        for value in self.tops:
            value.producer = self

    def shape(self) -> None:
        raise NotImplementedError

    def bind(self) -> None:
        self.seen = [value.blob.version for value in self.bottoms]

    def run(self) -> None:
        raise NotImplementedError

    def refresh(self) -> None:
        """Shape and bind anew if a bottom has changed its shape since."""
        for value, version in zip(self.bottoms, self.seen, strict=True):
            if value.blob.version != version:
                self.shape()
                self.bind()
                break


class RunLayer(Operation):
    """A layer as it is, but for what it would keep for a backward pass. *in_place* if it writes its top where its
    bottom is."""

    def __init__(self, layer: Layer, bottoms: Sequence[Value], tops: Sequence[Value], in_place: bool) -> None:
        super().__init__(bottoms, tops)
        self.layer = layer
        self.in_place = in_place

    def shape(self) -> None:
        if self.in_place:
            self.tops[0].blob = self.bottoms[0].blob
        self._bottom = [value.blob for value in self.bottoms]
        self._top = [value.blob for value in self.tops]
        self.layer.reshape(self._bottom, self._top)

    def run(self) -> None:
        self.refresh()
        backward, self.layer.runs_backward = self.layer.runs_backward, False
        try:
            self.layer.forward(self._bottom, self._top)
        finally:
            self.layer.runs_backward = backward

    def __str__(self) -> str:
        return f"{self.layer.type} '{self.layer.name}'{' in place' if self.in_place else ''}"


def shape_all(operations: Sequence[Operation]) -> None:
    """Shape every operation, in order. One that ran in place in the net does so unless somebody reads, later, what lies
    in the same memory: layers that only passed it on are gone, and others may have moved."""
    after = {id(operation): index for index, operation in enumerate(operations)}
    lying: dict[int, list[Value]] = {}
    for index, operation in enumerate(operations):
        for value in operation.bottoms:
            if value.producer is None:
                lying.setdefault(value.blob.data_key, []).append(value)
        if isinstance(operation, RunLayer) and operation.in_place:
            others = lying[operation.bottoms[0].blob.data_key]
            read_later = any(after[id(reader)] > index for value in others for reader in value.readers)
            operation.in_place = not read_later and not any(value.wanted for value in others)
        operation.shape()
        for value in operation.tops:
            lying.setdefault(value.blob.data_key, []).append(value)


def operations(net: Net, keep: Sequence[str]) -> tuple[list[RunLayer], dict[str, Value]]:
    """The steps of *net* in order, without those that only hand their input on, and the values that are to be seen.

    Inputs lie in the net's own blobs, every other value in a blob of its own.
    """
    latest = {id(net.blobs[name]): Value(net.blobs[name], wanted=True) for name in net.inputs}
    found: list[RunLayer] = []
    for step in net.steps:
        bottoms = [latest[id(blob)] for blob in step.bottom]
        if _hands_on(step.layer, len(bottoms)):
            latest |= {id(blob): bottoms[0] for blob in step.top}
            continue
        if step.layer.type == "Input":
            continue
        tops = [Value(Blob(blob.shape, blob.dtype, blob.name)) for blob in step.top]
        in_place = len(step.top) == 1 and step.top[0] in step.bottom[:1]
        operation = RunLayer(step.layer, bottoms, tops, in_place)
        for value in bottoms:
            value.readers.append(operation)
        latest |= {id(blob): value for blob, value in zip(step.top, tops, strict=True)}
        found.append(operation)
    seen = {name: latest[id(net.blob(name))] for name in [*net.inputs, *net.outputs, *keep]}
    for value in seen.values():
        value.wanted = True
    return found, seen


def _hands_on(layer: Layer, bottoms: int) -> bool:
    return bottoms == 1 and (layer.type == "Split" or (layer.type == "Dropout" and layer.phase == Phase.TEST))
