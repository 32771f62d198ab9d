"""What a step of a net must do at least, forward and backward: operations and bytes, for comparing with its time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..layers import Blob
from .step import Step
from .summary_cost import multiply_adds

# Their gradient depends on no value that went through them (Dropout keeps a byte per number).
_LINEAR = frozenset({"Bias", "Concat", "Dropout", "Eltwise", "Flatten", "Power", "Reshape", "Slice", "Split", "Tile"})


class Work(NamedTuple):
    """*operations*: multiplications and additions, those of ``multiply_adds``; *size*: bytes, each array once."""

    operations: int
    size: int


def forward_work(step: Step) -> Work:
    """Bottoms and learned blobs are read, tops written. A top that is another view of its bottom costs nothing, and
    what a layer that brings data in must do cannot be told."""
    made = [blob for blob in step.top if not _is_view(blob, step)]
    if not made or not step.bottom:
        return Work(0, 0)
    operations = 2 * multiply_adds(step.layer, step.bottom, step.top)
    return Work(operations, _data(step.bottom) + _data(step.layer.blobs) + _data(made))


def backward_work(step: Step) -> Work:
    """Once the operations of forward for the bottoms, once for the learned blobs, as far as they get a gradient.

    The tops' gradients are read and the bottoms' written; those of learned blobs are read and written. Learned blobs
    are read for the bottoms' gradient; bottoms for that of learned blobs, or where a number's gradient depends on it.
    """
    if not step.runs_backward:
        return Work(0, 0)
    layer, down = step.layer, [b for b, wanted in zip(step.bottom, step.propagate_down, strict=True) if wanted]
    learned = [b for b, wanted in zip(layer.blobs, layer.param_propagate_down, strict=True) if wanted]
    in_place = any(top is bottom for top in step.top for bottom in step.bottom)
    written = [b for b in down if in_place or b.diff_key not in {top.diff_key for top in step.top}]
    if not written and not learned:
        return Work(0, 0)
    operations = 2 * multiply_adds(layer, step.bottom, step.top) * (bool(down) + bool(learned))
    size = _diff(step.top) + _diff(written) + 2 * _diff(learned)
    if down:
        size += _data(layer.blobs)
    if learned or _each_by_itself(step):
        size += _data(step.bottom)
    if type(layer).needs_top == "values":
        size += _data(step.top)
    return Work(operations, size)


def _is_view(blob: Blob, step: Step) -> bool:
    return any(blob.data_key == bottom.data_key and blob is not bottom for bottom in step.bottom)


def _each_by_itself(step: Step) -> bool:
    """Whether it is a function of each number, or its neighbours, that is not linear: one top like its one bottom."""
    if step.layer.type in _LINEAR or type(step.layer).needs_top == "values":
        return False
    return len(step.bottom) == len(step.top) == 1 and step.bottom[0].shape == step.top[0].shape


def _data(blobs: Iterable[Blob]) -> int:
    return sum({blob.data_key: blob.count * blob.dtype.itemsize for blob in blobs}.values())


def _diff(blobs: Iterable[Blob]) -> int:
    return sum({blob.diff_key: blob.count * blob.dtype.itemsize for blob in blobs}.values())
