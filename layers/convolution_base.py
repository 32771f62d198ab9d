"""What Convolution, Deconvolution and Im2col share: the window, and the learned blobs."""

from __future__ import annotations

from typing import ClassVar

from ..engines import ConvGeometry
from .arity import Arity, at_least
from .blob import Blob, Shape
from .layer import Blobs, Layer, product


def read_window(layer: Layer, spatial_axes: int, groups: int = 1) -> ConvGeometry:
    """The window that ``convolution_param`` describes, for blobs of so many spatial axes.

    ``kernel_size``, ``stride``, ``pad`` and ``dilation`` are given once for all axes or once per axis; with two axes,
    ``kernel_h`` and ``kernel_w`` and so on may be given instead. Errors: ParameterError.
    """
    return ConvGeometry(
        kernel=_sizes(layer, "kernel_size", ("kernel_h", "kernel_w"), spatial_axes, None, 1),
        stride=_sizes(layer, "stride", ("stride_h", "stride_w"), spatial_axes, 1, 1),
        pad=_sizes(layer, "pad", ("pad_h", "pad_w"), spatial_axes, 0, 0),
        dilation=_sizes(layer, "dilation", (), spatial_axes, 1, 1),
        groups=groups,
    )


def _sizes(
    layer: Layer, name: str, pair: tuple[str, ...], axes: int, default: int | None, least: int
) -> tuple[int, ...]:
    given, used = list(getattr(layer.param, name)), name
    set_pair = [p for p in pair if layer.param.HasField(p)]
    if set_pair:
        used = set_pair[0]
        if given:
            layer.fail(f"{name} and {pair[0]}, {pair[1]} must not both be given", used)
        if axes != 2:
            layer.fail(f"{pair[0]} and {pair[1]} are for 2 spatial axes", used, got=f"{axes}", hint=f"use {name}")
        given = [getattr(layer.param, p) for p in pair]
    elif not given:
        if default is None:
            layer.fail(f"{name} must be given")
        given = [default]
    if len(given) not in (1, axes):
        rule = f"{name} must be given once, or once per spatial axis ({axes})"
        layer.fail(rule, name, got=f"{len(given)} times")
    for index, size in enumerate(given):
        if size < least:
            part = pair[index] if set_pair else used
            layer.fail(f"{part} must be at least {least}", part, *(() if set_pair else (index,)), got=size)
    return tuple(given) * (axes if len(given) == 1 else 1)


def spatial_axis(layer: Layer, bottom: Blob) -> int:
    """The first spatial axis: the one behind the channel axis ``convolution_param { axis }``. Errors: ShapeError."""
    first = layer.axis(bottom, layer.param.axis, "axis") + 1
    if first >= bottom.num_axes:
        rule = f"there must be at least one spatial axis behind the channel axis ({first - 1})"
        layer.fail_shape(rule, bottom, hint="an InnerProduct layer does without")
    return first


class ConvolutionBase(Layer):
    """A window with learned weights that moves over images; several bottoms share the weights.

    ``convolved(spatial)`` gives the spatial sizes of a top, ``weight_shape(channels)`` the shape of the weights.
    """

    param_field: ClassVar[str | None] = "convolution_param"
    bottoms: ClassVar[Arity] = at_least(1)
    tops: ClassVar[Arity] = at_least(1)
    paired: ClassVar[bool] = True

    def convolved(self, spatial: Shape) -> Shape:
        raise NotImplementedError

    def weight_shape(self, channels: int) -> Shape:
        raise NotImplementedError

    def too_small(self) -> str:
        """The rule that a top without pixels breaks."""
        window = "x".join(map(str, self.geometry.extent))
        return f"the window ({window} pixels) must fit into the padded image"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        first = spatial_axis(self, bottom[0])
        self.channels = bottom[0].shape[first - 1]
        self.axes = bottom[0].num_axes
        self.num_output: int = self._at_least_one("num_output")
        groups = self._at_least_one("group")
        for count, what in ((self.channels, "the number of input channels"), (self.num_output, "num_output")):
            if count % groups:
                rule = f"group must divide {what} ({count})"
                self.fail(rule, "group" if self.param.HasField("group") else "num_output", got=groups)
        self.geometry = read_window(self, self.axes - first, groups)
        shape = self.weight_shape(self.channels)
        self.add_param(shape, self.param.weight_filler if self.param.HasField("weight_filler") else None)
        if self.param.bias_term:
            filler = self.param.bias_filler if self.param.HasField("bias_filler") else None
            self.add_param((self.num_output,), filler)

    def _at_least_one(self, name: str) -> int:
        value: int = getattr(self.param, name)
        if value < 1:
            self.fail(f"{name} must be at least 1", name, got=value)
        return value

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        first = spatial_axis(self, bottom[0])
        if bottom[0].num_axes != self.axes or bottom[0].shape[first - 1] != self.channels:
            self.fail_shape(f"the weights need {self.channels} channels at axis {first - 1} of {self.axes}", bottom[0])
        for blob in bottom[1:]:
            if blob.shape != bottom[0].shape:
                self.fail_shape("all bottoms must have the same shape", bottom[0], blob)
        before, spatial = bottom[0].shape[: first - 1], bottom[0].shape[first:]
        out = self.convolved(spatial)
        if min(out) < 1:
            self.fail_shape(self.too_small(), bottom[0])
        images = product(before)
        self.bottom_view = (images, self.channels, *spatial)
        self.top_view = (images, self.num_output, *out)
        for blob in top:
            blob.reshape((*before, self.num_output, *out))

    @property
    def has_bias(self) -> bool:
        return len(self.blobs) > 1
