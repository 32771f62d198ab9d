"""Locate: which layer made the first NaN or infinity, from what its blobs still hold. Runs only once one is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..layers import Array, Blob
from ..netdef.net import Net
from ..netdef.step import Step


@dataclass
class Finding:
    """Where it was found: the layer and the blob; *what* is wrong with the blob, *got* the ranges of what went in."""

    who: str
    blob: str
    what: str
    got: str
    hint: str = ""
    layer: str = ""

    def rule(self, when: str) -> str:
        """The finding as the rule of an error."""
        return f"{when} must make finite numbers; {self.what}" + (f" in {self.blob}" if self.blob else "")


def in_forward(net: Net) -> Finding | None:
    """The first layer whose tops are not finite. Where others work in place on its top, they are run again, one by
    one, to tell which it was."""
    for index, step in enumerate(net.steps):
        for blob in step.top:
            if not _finite(blob.data):
                culprit = _rerun_forward(net, index, blob)
                return _of_forward(culprit, blob)
    return None


def in_backward(net: Net) -> Finding | None:
    """The first layer, going backward, that made a gradient that is not finite."""
    for index in reversed(range(len(net.steps))):
        step = net.steps[index]
        if not step.runs_backward:
            continue
        wanted = [b for b, propagate in zip(step.bottom, step.propagate_down, strict=True) if propagate]
        for blob in (*wanted, *step.layer.blobs):
            if blob.has_diff and not _finite(blob.diff):
                culprit = _rerun_backward(net, index, blob)
                return _of_backward(culprit, blob)
    return None


def in_parameters(net: Net) -> Finding | None:
    """The first layer, going backward, that has a gradient of a learned blob that is not finite."""
    for step in reversed(net.steps):
        for blob in step.layer.blobs if step.runs_backward else ():
            if blob.has_diff and not _finite(blob.diff):
                return _of_backward(step, blob)
    return None


def in_update(net: Net) -> Finding | None:
    """The first parameter that is not finite. Its gradient holds the update by now."""
    for parameter in net.learnable:
        if not _finite(parameter.blob.data):
            got = f"update {ranges(parameter.blob.diff)}"
            what, layer = ranges(parameter.blob.data), parameter.layer
            return Finding(layer.who, f"parameter '{parameter.label}'", what, got, layer=layer.name)
    return None


def ranges(array: Array) -> str:
    """``2 NaN, 1 infinite, the other 61 from -0.5 to 3.2``."""
    finite = array[np.isfinite(array)]
    nans = int(np.isnan(array).sum())
    infinite = array.size - finite.size - nans
    parts = [f"{count} {name}" for count, name in ((nans, "NaN"), (infinite, "infinite")) if count]
    if finite.size:
        head = f"the other {finite.size} " if parts else ""
        parts.append(f"{head}from {finite.min():.4g} to {finite.max():.4g}")
    return ", ".join(parts) or "empty"


def _finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _shares(one: Blob, other: Blob, what: str) -> bool:
    return one is other or bool(np.shares_memory(getattr(one, what), getattr(other, what)))


def _rerun_forward(net: Net, index: int, blob: Blob) -> Step:
    """The culprit among the step at *index* and the later ones that overwrite *blob*."""
    first = net.steps[index]
    chain = [first] + [s for s in net.steps[index + 1 :] if any(t is blob for t in s.top)]
    if len(chain) == 1 or blob in first.bottom or not first.bottom:
        return first
    for step in chain:
        step.layer.forward(step.bottom, step.top)
        if not _finite(blob.data):
            return step
    return first


def _rerun_backward(net: Net, index: int, blob: Blob) -> Step:
    """The culprit among the step at *index* and the earlier ones that overwrite the gradient in *blob*."""
    first = net.steps[index]
    in_place = [s for s in reversed(net.steps[:index]) if s.runs_backward and any(b is blob for b in s.bottom)]
    chain = [first, *in_place]
    if len(chain) == 1 or blob in first.top or blob in first.layer.blobs:
        return first
    for step in chain:
        step.layer.backward(step.top, step.propagate_down, step.bottom)
        if not _finite(blob.diff):
            return step
    return first


def _of_forward(step: Step, blob: Blob) -> Finding:
    layer = step.layer
    sources = [(f"bottom '{b.name}'", b.data) for b in step.bottom if b not in step.top]
    sources += [(f"parameter {index}", b.data) for index, b in enumerate(layer.blobs)]
    hint = "" if step.bottom else "look at the data"
    return Finding(layer.who, f"blob '{blob.name}'", ranges(blob.data), _told(sources), hint, layer.name)


def _of_backward(step: Step, blob: Blob) -> Finding:
    layer = step.layer
    sources = [(f"gradient of top '{t.name}'", t.diff) for t in step.top if t not in step.bottom]
    sources += [(f"bottom '{b.name}'", b.data) for b in step.bottom]
    sources += [(f"parameter {index}", b.data) for index, b in enumerate(layer.blobs)]
    own = layer.blobs.index(blob) if blob in layer.blobs else None
    name = f"blob '{blob.name}'" if own is None else f"parameter '{layer.name}[{own}]'"
    return Finding(layer.who, f"the gradient of {name}", ranges(blob.diff), _told(sources), layer=layer.name)


def _told(sources: Iterable[tuple[str, Array]] | Sequence[tuple[str, Array]]) -> str:
    return "; ".join(f"{name} {ranges(array)}" for name, array in sources if array.dtype.kind == "f")
