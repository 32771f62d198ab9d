"""C3D: convolution over time as well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from ...layers import Layer
from ...plugins import hookimpl
from ..base import Dialect, LayerClass
from ..table import Table
from .tables import V10, V11
from .video_data import VideoData

SIZES = ("num", "channels", "length", "height", "width")
AXES = {"InnerProduct": 2}
"""Axes of the weights of a type, where they are not five; a bias has one."""


class C3D10(Dialect):
    """C3D v1.0 (2015), in V1 layers."""

    type: ClassVar[str] = "c3d_v10"
    fork: ClassVar[str] = "C3D v1.0, facebook/C3D"
    tables: ClassVar[tuple[Table, ...]] = (V10,)
    layers: ClassVar[Mapping[str, LayerClass]] = {"VideoData": VideoData}

    @classmethod
    def normalise(cls, net: Any) -> None:
        """Blobs have five sizes each, num, channels, length, height and width; here as many as the layer needs. Those
        that were written with a shape keep it."""
        for layer in net.layer:
            for index, blob in enumerate(layer.blobs):
                if not any(blob.HasField(name) for name in SIZES):
                    continue
                sizes = [getattr(blob, name) for name in SIZES]
                axes = 1 if index else AXES.get(layer.type, len(sizes))
                for name in SIZES:
                    blob.ClearField(name)
                blob.shape.dim[:] = sizes[-axes:] if math.prod(sizes[:-axes]) == 1 else sizes


class C3D(Dialect):
    """C3D v1.1 (2017)."""

    type: ClassVar[str] = "c3d"
    fork: ClassVar[str] = "C3D v1.1, facebook/C3D"
    tables: ClassVar[tuple[Table, ...]] = (V11,)
    layers: ClassVar[Mapping[str, LayerClass]] = {"VideoData": VideoData}


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [C3D10, C3D]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    from .convolution3d import Convolution3D, Deconvolution3D
    from .pooling3d import Pooling3D

    return [Convolution3D, Deconvolution3D, Pooling3D]
