"""Rows of convolution."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from ..geometry import ConvGeometry
from .kernel import Arguments, Case, Kernel, Maker


class Shape(NamedTuple):
    """One convolution: batch, input and output channels, spatial size, and how the window moves."""

    batch: int
    inputs: int
    outputs: int
    spatial: tuple[int, ...]
    geometry: ConvGeometry


SHAPES = {
    "1x1": Shape(2, 5, 3, (4, 6), ConvGeometry((1, 1))),
    "1x1 grouped": Shape(2, 6, 4, (3, 3), ConvGeometry((1, 1), groups=2)),
    "1x1 strided": Shape(2, 3, 4, (7, 8), ConvGeometry((1, 1), (2, 2))),
    "2x2": Shape(2, 3, 4, (5, 4), ConvGeometry((2, 2))),
    "3x3": Shape(2, 3, 4, (6, 7), ConvGeometry((3, 3))),
    "3x3 padded": Shape(3, 4, 5, (5, 9), ConvGeometry((3, 3), pad=(1, 1))),
    "5x5 stride 2": Shape(2, 3, 17, (11, 10), ConvGeometry((5, 5), (2, 2), (2, 2))),
    "pad over kernel": Shape(1, 2, 3, (3, 4), ConvGeometry((2, 3), (1, 2), (3, 4))),
    "rectangle": Shape(2, 4, 6, (8, 5), ConvGeometry((3, 2), (2, 1), (0, 1), (1, 2))),
    "dilated": Shape(1, 3, 4, (9, 9), ConvGeometry((3, 3), (1, 1), (2, 2), (2, 2))),
    "grouped": Shape(2, 6, 9, (6, 6), ConvGeometry((3, 3), pad=(1, 1), groups=3)),
    "depthwise": Shape(2, 7, 7, (6, 5), ConvGeometry((3, 3), pad=(1, 1), groups=7)),
    "depthwise twofold": Shape(1, 3, 6, (5, 5), ConvGeometry((3, 3), (2, 2), (1, 1), groups=3)),
    "depthwise wide": Shape(2, 5, 5, (11, 37), ConvGeometry((3, 3), pad=(1, 1), groups=5)),
    "depthwise wide/2": Shape(2, 18, 18, (9, 75), ConvGeometry((3, 3), (2, 2), (1, 1), groups=18)),
    "depthwise 5x5": Shape(3, 4, 4, (7, 20), ConvGeometry((5, 5), pad=(2, 2), groups=4)),
    "whole image": Shape(3, 2, 11, (4, 3), ConvGeometry((4, 3))),
    "floor": Shape(1, 2, 2, (8, 8), ConvGeometry((3, 3), (3, 3))),
    "wide": Shape(1, 33, 35, (3, 37), ConvGeometry((3, 3), pad=(1, 1))),
    "1-D": Shape(2, 3, 4, (13,), ConvGeometry((5,), (2,), (2,), (2,))),
    "3-D": Shape(2, 2, 4, (4, 5, 3), ConvGeometry((2, 3, 2), (1, 2, 1), (1, 1, 0), groups=2)),
    "empty batch": Shape(0, 3, 4, (6, 6), ConvGeometry((3, 3))),
    "empty batch 1x1": Shape(0, 3, 4, (6, 6), ConvGeometry((1, 1))),
}
# Layers of LeNet, CIFAR-10, AlexNet, VGG, ResNet, GoogLeNet and MobileNet.
BENCH = {
    "LeNet conv2 5x5": Shape(64, 20, 50, (12, 12), ConvGeometry((5, 5))),
    "CIFAR-10 conv1 5x5": Shape(100, 3, 32, (32, 32), ConvGeometry((5, 5), pad=(2, 2))),
    "CIFAR-10 conv2 5x5": Shape(100, 32, 32, (16, 16), ConvGeometry((5, 5), pad=(2, 2))),
    "CIFAR-10 conv3 5x5": Shape(100, 32, 64, (8, 8), ConvGeometry((5, 5), pad=(2, 2))),
    "GoogLeNet conv1 7x7/2": Shape(4, 3, 64, (224, 224), ConvGeometry((7, 7), (2, 2), (3, 3))),
    "AlexNet conv1 11x11/4": Shape(4, 3, 96, (227, 227), ConvGeometry((11, 11), (4, 4))),
    "AlexNet conv2 5x5 grouped": Shape(4, 96, 256, (27, 27), ConvGeometry((5, 5), pad=(2, 2), groups=2)),
    "VGG conv1_2 3x3": Shape(1, 64, 64, (224, 224), ConvGeometry((3, 3), pad=(1, 1))),
    "VGG conv4_2 3x3": Shape(2, 512, 512, (28, 28), ConvGeometry((3, 3), pad=(1, 1))),
    "ResNet 3x3 56": Shape(4, 64, 64, (56, 56), ConvGeometry((3, 3), pad=(1, 1))),
    "ResNet 3x3 7": Shape(4, 512, 512, (7, 7), ConvGeometry((3, 3), pad=(1, 1))),
    "ResNet 1x1": Shape(4, 256, 1024, (14, 14), ConvGeometry((1, 1))),
    "ResNet 1x1/2": Shape(4, 256, 512, (56, 56), ConvGeometry((1, 1), (2, 2))),
    "GoogLeNet 5x5": Shape(8, 16, 32, (28, 28), ConvGeometry((5, 5), pad=(2, 2))),
    "MobileNet depthwise": Shape(4, 256, 256, (28, 28), ConvGeometry((3, 3), pad=(1, 1), groups=256)),
    "MobileNet depthwise/2": Shape(4, 128, 128, (56, 56), ConvGeometry((3, 3), (2, 2), (1, 1), groups=128)),
}


def _conv(name: str) -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, shape in (BENCH if realistic else SHAPES).items():
            for bias in (True,) if realistic or name == "conv_backward_data" else (True, False):
                yield Case(f"{label}{'' if bias else ' without bias'}", _pick(name, make, shape, bias))
        if name == "conv_backward_weights" and not realistic:
            yield Case("bias alone", _pick(name, make, SHAPES["3x3"], True) | {"dw": None})

    writes = {"conv_forward": ("y",), "conv_backward_data": ("dx",)}.get(name, ())
    return Kernel(name, writes, () if writes else ("dw", "db"), cases, _operations, tolerance=20)


def _pick(name: str, make: Maker, shape: Shape, bias: bool) -> Arguments:
    """The arguments of one of the three convolution kernels."""
    batch, inputs, outputs, spatial, geometry = shape
    x, y = (batch, inputs, *spatial), (batch, outputs, *geometry.output_size(spatial))
    weights = make.normal(outputs, inputs // geometry.groups, *geometry.kernel)
    extra = make.normal(outputs) if bias else None
    if name == "conv_forward":
        return {"x": make.normal(*x), "w": weights, "bias": extra, "y": make.junk(*y), "geometry": geometry}
    if name == "conv_backward_data":
        return {"dy": make.normal(*y), "w": weights, "dx": make.junk(*x), "geometry": geometry}
    return {"x": make.normal(*x), "dy": make.normal(*y), "dw": weights, "db": extra, "geometry": geometry}


FUSED: dict[str, Arguments] = {
    "": {"add": False, "slope": 0.0},
    "added": {"add": True, "slope": None},
    "added leaky": {"add": True, "slope": 0.1},
    "into channels": {"add": False, "slope": None},
}


def _fused() -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, shape in (BENCH if realistic else SHAPES).items():
            for words, options in list(FUSED.items())[: 1 if realistic else None]:
                arguments = _pick("conv_forward", make, shape, bias=words != "into channels")
                y = arguments["y"]
                if words == "into channels":  # of an array with two more
                    arguments["y"] = make.junk(len(y), y.shape[1] + 2, *y.shape[2:])[:, 1:-1]
                if options["add"]:
                    y[...] = make.normal(*y.shape)
                geometry = arguments.pop("geometry")
                yield Case(f"{label} {words}".strip(), arguments | options | {"packed": None, "geometry": geometry})

    return Kernel("conv_fused", (), ("y",), cases, _operations, tolerance=20)


def _separable() -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, (batch, channels, _, spatial, geometry) in (BENCH if realistic else SHAPES).items():
            if geometry.groups != channels:
                continue
            size, ones = geometry.output_size(spatial), (1,) * len(spatial)
            for outputs, (words, options) in zip((128, 5, 33, 16), FUSED.items(), strict=True):
                biased = words != "added"
                y = make.normal(batch, outputs + 2, *size)[:, 1:-1] if words == "into channels" else None
                arguments: Arguments = {
                    "x": make.normal(batch, channels, *spatial),
                    "depthwise_w": make.normal(channels, 1, *geometry.kernel),
                    "depthwise_bias": make.normal(channels) if biased else None,
                    "depthwise_slope": options["slope"],
                    "w": make.normal(outputs, channels, *ones),
                    "bias": make.normal(outputs) if biased else None,
                    "y": make.normal(batch, outputs, *size) if y is None else y,
                }
                yield Case(f"{label} {words}".strip(), arguments | options | {"packed": None, "geometry": geometry})
                if realistic:
                    break

    return Kernel("conv_separable", (), ("y",), cases, _operations, tolerance=40)


def _columns(name: str) -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, (batch, inputs, _, spatial, geometry) in (BENCH if realistic else SHAPES).items():
            image = (batch, inputs, *spatial)
            columns = (batch, inputs * geometry.taps, *geometry.output_size(spatial))
            x, col = (make.normal, make.junk) if name == "im2col" else (make.junk, make.normal)
            yield Case(label, {"x": x(*image), "col": col(*columns), "geometry": geometry})

    return Kernel(name, ("col",) if name == "im2col" else ("x",), (), cases, tolerance=5)


def _operations(arguments: Arguments) -> int:
    output = arguments["y"] if "y" in arguments else arguments["dy"]
    weights = [arguments.get(name) for name in ("w", "dw", "depthwise_w")]
    count = sum(array.size for array in weights if array is not None)
    return int(2 * len(output) * count * prod(output.shape[2:]))


ROWS = (
    _conv("conv_forward"),
    _fused(),
    _separable(),
    _conv("conv_backward_data"),
    _conv("conv_backward_weights"),
    _columns("im2col"),
    _columns("col2im"),
)
