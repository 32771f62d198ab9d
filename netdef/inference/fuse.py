"""Fusing: operations that can be taken together become one."""

from __future__ import annotations

from collections.abc import Sequence

from ...layers import Array, Layer
from ...layers.concat import Concat
from ...layers.convolution import Convolution
from ...layers.eltwise import SUM, Eltwise
from ...layers.relu import ReLU
from .graph import Operation, RunLayer, Value
from .operations import ChannelAffine, Fused, FusedConvolution, Join


def fuse(operations: Sequence[RunLayer]) -> list[Operation]:
    """*operations* with factors and shifts per channel (BatchNorm, Scale, Bias), sums of two values and ReLU taken into
    the convolution before them, with convolutions that write straight into a Concat, and with depthwise convolutions
    computed where a pointwise one reads them."""
    made: list[Operation] = []
    for operation in operations:
        if _goes_on(operation) or _adds(operation, made):
            continue
        made.append(_start(operation))
    return _separable([_join(operation) for operation in made])


def _start(operation: RunLayer) -> Operation:
    """What others may be taken into: a convolution of images, or a factor and a shift per channel; else *operation*."""
    layer = operation.layer
    if len(operation.bottoms) != 1 or len(operation.tops) != 1:
        return operation
    bottom, top = operation.bottoms[0], operation.tops[0]
    images = bottom.blob.num_axes == 4
    if isinstance(layer, Convolution) and type(layer).forward is Convolution.forward:
        fits = images and len(layer.geometry.kernel) == 2
        return _instead(FusedConvolution(layer, bottom, top), operation) if fits else operation
    affine = _affine(layer, bottom) if images else None
    return operation if affine is None else _instead(ChannelAffine(layer, bottom, top, *affine), operation)


def _affine(layer: Layer, bottom: Value) -> tuple[Array, Array] | None:
    return layer.channel_affine(bottom.blob) if layer.speaks_for_forward("channel_affine") else None


def _goes_on(operation: RunLayer) -> bool:
    """Let what made the bottom of *operation*, if nobody else reads that, do it as well, if it can."""
    if len(operation.bottoms) != 1 or len(operation.tops) != 1:
        return False
    bottom = operation.bottoms[0]
    before = bottom.producer
    if not isinstance(before, Fused) or bottom.sole_reader is not operation or before.slope is not None:
        return False
    layer = operation.layer
    if isinstance(layer, ReLU) and type(layer).forward is ReLU.forward:
        before.slope = layer.slope
    elif not before.adds and (affine := _affine(layer, bottom)) is not None:
        before.multiply(*affine)
    else:
        return False
    before.take(layer.name, operation.tops[0])
    return True


def _adds(operation: RunLayer, made: list[Operation]) -> bool:
    """Let one of two convolutions that *operation* sums add to the other's value, in its place, and so run last."""
    layer = operation.layer
    if not isinstance(layer, Eltwise) or type(layer).forward is not Eltwise.forward or layer.operation != SUM:
        return False
    if layer.coeff != [1.0, 1.0] or operation.bottoms[0] is operation.bottoms[1]:
        return False
    for value, other in (operation.bottoms[::-1], operation.bottoms):
        last = value.producer
        if not isinstance(last, FusedConvolution) or last.adds or last.slope is not None or other in last.bottoms:
            continue
        if value.sole_reader is operation and _is_over(other, operation, made):
            made.remove(last)
            made.append(last)
            last.add_to(other)
            _read_by(other, operation, last)
            last.take(layer.name, operation.tops[0])
            return True
    return False


def _is_over(value: Value, at: Operation, made: list[Operation]) -> bool:
    """Whether *value* has memory of its own, and all who read it, but *at*, have done so."""
    others = [reader for reader in value.readers if reader is not at]
    own = isinstance(value.producer, Fused) and all(isinstance(reader, Fused) for reader in others)
    return own and not value.wanted and all(reader in made for reader in others)


def _join(operation: Operation) -> Operation:
    """A Concat along the channels of images, whose parts are written in place where a convolution makes them."""
    if not isinstance(operation, RunLayer) or not isinstance(operation.layer, Concat) or len(operation.bottoms) < 2:
        return operation
    top = operation.tops[0]
    if top.blob.num_axes != 4 or operation.layer.joined_axis != 1:
        return operation
    first = 0
    for value in operation.bottoms:
        part = value.producer if value.sole_reader is operation else None
        if isinstance(part, FusedConvolution) and not part.adds:
            part.into = (top, first)
        first += value.blob.shape[1]
    return _instead(Join(operation.layer, operation.bottoms, top), operation)


def _separable(operations: list[Operation]) -> list[Operation]:
    """A depthwise convolution, if only a pointwise one reads it, and that runs next, is computed there."""
    made: list[Operation] = []
    for operation in operations:
        before = made[-1] if made else None
        if isinstance(operation, FusedConvolution) and isinstance(before, FusedConvolution):
            first, geometry = before.layer.geometry, operation.layer.geometry
            depthwise = first.groups == before.layer.num_output == before.bottoms[0].blob.shape[1]
            alone = before.tops[0].sole_reader is operation and before.into is None and not before.adds
            # What the sum is made in must not be what the depthwise convolution still reads.
            apart = before.bottoms[0] not in operation.bottoms
            if depthwise and alone and apart and geometry.pointwise and geometry.groups == 1:
                made.pop()
                operation.follow(before)
                _read_by(before.bottoms[0], before, operation)
        made.append(operation)
    return made


def _instead(made: Operation, of: Operation) -> Operation:
    for value in made.bottoms:
        _read_by(value, of, made)
    return made


def _read_by(value: Value, old: Operation, new: Operation) -> None:
    value.readers = [new if reader is old else reader for reader in value.readers]
