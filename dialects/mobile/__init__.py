"""Small nets for phones: convolution of each channel by itself, and what goes with it."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Layer
from ...plugins import hookimpl
from ..base import Dialect
from ..table import Table
from .tables import SHUFFLENET


class ShuffleNet(Dialect):
    """ShuffleNet (2017)."""

    type: ClassVar[str] = "shufflenet"
    fork: ClassVar[str] = "ShuffleNet, farmingyard/ShuffleNet"
    tables: ClassVar[tuple[Table, ...]] = (SHUFFLENET,)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [ShuffleNet]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    from .axpy import Axpy
    from .depthwise import ConvolutionDepthwise, DepthwiseConvolution
    from .relu6 import ReLU6
    from .shuffle_channel import ShuffleChannel

    return [Axpy, ConvolutionDepthwise, DepthwiseConvolution, ReLU6, ShuffleChannel]
