"""Mismatch: why the blobs of a weight file do not fit a layer, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..layers import Layer, Shape

WEIGHT_AXES = {
    "Convolution": ("num_output", "channels of its bottom per group", "kernel_size"),
    "Deconvolution": ("channels of its bottom", "num_output per group", "kernel_size"),
    "InnerProduct": ("num_output", "size of its bottom"),
    "Embed": ("input_dim", "num_output"),
}
"""What decides each axis of the first blob; the last entry holds for all axes that follow."""
OUTPUT_ONLY = {"BatchNorm", "Scale", "Bias", "PReLU"}
"""Types whose blobs have the size of the channels of their bottom."""


def shape_mismatch(layer: Layer, index: int, stored: Shape) -> str:
    """Both shapes of learned blob *index*, and what makes them differ, as far as the layer's type tells."""
    wanted = layer.blobs[index].shape
    text = f"blob {index} is {stored} in the file and {wanted} in the net"
    why = _why(layer, index, stored, wanted)
    return f"{text}: {why}" if why else text


def count_mismatch(layer: Layer, stored: int) -> str:
    """Both counts of blobs, and the switch that makes them differ."""
    wanted = len(layer.blobs)
    text = f"the file has {_blobs(stored)} for this layer, the net {wanted}"
    param = _param(layer)
    if abs(stored - wanted) == 1 and param is not None and "bias_term" in param.DESCRIPTOR.fields_by_name:
        having, lacking = ("file", "net") if stored > wanted else ("net", "file")
        text += f": the {having} has a bias, the {lacking} has none (bias_term)"
    return text


def _why(layer: Layer, index: int, stored: Shape, wanted: Shape) -> str | None:
    last = tuple(n for n in stored if n != 1), tuple(n for n in wanted if n != 1)
    if index == 0 and len(last[1]) == 2 and last[0] == last[1][::-1]:
        return "one is the transpose of the other"
    if len(stored) != len(wanted):
        return f"{len(stored)} axes and {len(wanted)}"
    axis = next(i for i, (s, w) in enumerate(zip(stored, wanted, strict=True)) if s != w)
    return _axis(layer, index, axis, stored, wanted)


def _axis(layer: Layer, index: int, axis: int, stored: Shape, wanted: Shape) -> str | None:
    names: Sequence[str] = WEIGHT_AXES.get(layer.type, ())
    name = None
    if layer.type in OUTPUT_ONLY:
        name = "channels of its bottom"
    elif index == 1 and names and len(wanted) == 1:
        name = "num_output"
    elif index == 0 and names and not getattr(_param(layer), "transpose", False):
        name = names[min(axis, len(names) - 1)]
    return f"{name} {stored[axis]} against {wanted[axis]}" if name else None


def _param(layer: Layer) -> Any:
    """The parameters of the layer's own type, or None."""
    wanted = f"{layer.type}Parameter" if layer.type != "Deconvolution" else "ConvolutionParameter"
    for descriptor in layer.config.DESCRIPTOR.fields:
        if descriptor.message_type is not None and descriptor.message_type.name == wanted:
            return getattr(layer.config, descriptor.name)
    return None


def _blobs(count: int) -> str:
    return "1 blob" if count == 1 else f"{count} blobs"
