"""Cost: the multiply-adds of one forward pass of a layer, from shapes alone.

What is counted: products of learned numbers with data, where nearly all the time of a net goes. A layer type that is
not in the table counts 0, unless its class has a method ``multiply_adds(bottom, top) -> int``, as a plugin's may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..layers import Blob, Layer

Count = Callable[[Any, Sequence[Blob], Sequence[Blob]], int]


def multiply_adds(layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
    """How many multiplications with an addition *layer* does in one forward pass."""
    own = getattr(layer, "multiply_adds", None)
    if own is not None:
        return int(own(bottom, top))
    count = _COUNTS.get(layer.type)
    return count(layer, bottom, top) if count else 0


def _convolution(layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
    """Each output is a sum over the weights of its filter."""
    weights = layer.blobs[0]
    return sum(blob.count for blob in top) * (weights.count // weights.shape[0])


def _deconvolution(layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
    """Each input is spread over the weights of its filter."""
    weights = layer.blobs[0]
    return sum(blob.count for blob in bottom) * (weights.count // weights.shape[0])


def _inner_product(layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
    weights = layer.blobs[0]
    outputs = int(layer.param.num_output)
    return top[0].count * (weights.count // max(1, outputs))


def _recurrent(layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
    """Every matrix is applied once per step and sequence."""
    steps = bottom[0].shape[0] * bottom[0].shape[1]
    return steps * sum(blob.count for blob in layer.blobs if blob.num_axes > 1)


def _per_element(layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
    return top[0].count


_COUNTS: dict[str, Count] = {
    "Convolution": _convolution,
    "Deconvolution": _deconvolution,
    "InnerProduct": _inner_product,
    "RNN": _recurrent,
    "LSTM": _recurrent,
    "Scale": _per_element,
    "BatchNorm": _per_element,
}
