"""pycaffe's ``caffe.coord_map``: which pixel of one blob lies over which of another, and the Crop that aligns them.

A coordinate map (axis, scale a, offset b) says that x of the bottom is at a·x + b of the top, from *axis* on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NetError
from .net_spec import Function, Top, layers

Map = tuple[int | None, Any, Any]
PASS_THROUGH_LAYERS = [
    *("AbsVal", "BatchNorm", "Bias", "BNLL", "Dropout", "Eltwise", "ELU", "Log", "LRN", "Exp", "MVN", "Power"),
    *("ReLU", "PReLU", "Scale", "Sigmoid", "Split", "TanH", "Threshold"),
]


class UndefinedMapException(NetError):  # noqa: N818 - pycaffe's name
    """A layer over which coordinates mean nothing."""


class AxisMismatchException(NetError):  # noqa: N818 - pycaffe's name
    """Two maps over different axes."""


def conv_params(fn: Function) -> tuple[int, Any, Any, Any]:
    """(axis, stride, extent of the dilated kernel, pad) of a convolution, deconvolution or pooling layer."""
    params = fn.params.get("convolution_param", fn.params.get("pooling_param", fn.params))
    sides = {f"{name}_{side}" for name in ("kernel", "stride", "pad") for side in "hw"} & set(params)
    if sides:
        raise NetError(f"{fn.type_name}: coordinates are mapped for square windows", got=", ".join(sorted(sides)))
    axis = params.get("axis", 1)
    kernel = np.array(params["kernel_size"], ndmin=1)
    dilation = np.array(params.get("dilation", 1))
    return axis, np.array(params.get("stride", 1)), (kernel - 1) * dilation + 1, np.array(params.get("pad", 0))


def crop_params(fn: Function) -> tuple[int, Any]:
    """(axis, offset) of a Crop layer."""
    params = fn.params.get("crop_param", fn.params)
    return params.get("axis", 2), np.array(params.get("offset", 0))


def coord_map(fn: Function) -> Map:
    """The map over one layer. Errors: UndefinedMapException."""
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, size, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (size - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, size, pad = conv_params(fn)
        return axis, stride, (size - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return None, 1, 0
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset
    raise UndefinedMapException(f"coordinates mean nothing over a layer of type {fn.type_name}")


def compose(base_map: Map, next_map: Map) -> Map:
    """*base_map* after *next_map*. Errors: AxisMismatchException."""
    ax1, a1, b1 = base_map
    ax2, a2, b2 = next_map
    if ax1 is not None and ax2 is not None and ax1 != ax2:
        raise AxisMismatchException("maps must be over the same axes", got=f"{ax1} and {ax2}")
    return ax2 if ax1 is None else ax1, a1 * a2, a1 * b2 + b1


def inverse(coord_map: Map) -> Map:
    """The map the other way."""
    ax, a, b = coord_map
    return ax, 1 / a, -b / a


def coord_map_from_to(top_from: Top, top_to: Top) -> Map:
    """The map from one top to another that has a common bottom. Errors: NetError where there is none."""
    from_maps = _walk(top_from, {})
    found = _walk(top_to, from_maps)
    meeting = next((top for top in found if top in from_maps), None)
    if meeting is None:
        raise NetError("tops must be connected by layers over which coordinates mean something")
    return compose(found[meeting], inverse(from_maps[meeting]))


def _walk(start: Top, stop_at: dict[Top, Map]) -> dict[Top, Map]:
    """Maps from all bottoms below *start*, up to the first that is in *stop_at*."""
    maps: dict[Top, Map] = {start: (None, 1, 0)}
    frontier = [start]
    while frontier:
        top = frontier.pop()
        if top in stop_at:
            return {top: maps[top]}
        try:
            step = coord_map(top.fn)
        except UndefinedMapException:
            continue
        bottoms = top.fn.inputs[:1] if top.fn.type_name == "Crop" else top.fn.inputs
        for bottom in bottoms:
            maps[bottom] = compose(maps[top], step)
            frontier.append(bottom)
    return maps


def crop(top_from: Top, top_to: Top) -> Top:
    """The Crop layer that cuts *top_from* so that it lies over *top_to*. Errors: NetError where none can."""
    ax, a, b = coord_map_from_to(top_from, top_to)
    a, b = np.asarray(a), np.asarray(b)
    if not np.allclose(a, 1):
        raise NetError("a crop needs maps of scale 1", got=f"a = {a}")
    if (b > 0).any():
        raise NetError("a crop can only cut: the offset must not be negative", got=f"b = {b}")
    if not np.allclose(np.round(b), b):
        raise NetError("a crop needs whole offsets", got=f"b = {b}")
    offset = [int(-v) for v in np.round(np.atleast_1d(b))]
    made: Top = layers.Crop(top_from, top_to, crop_param={"axis": (ax or 0) + 1, "offset": offset})
    return made
