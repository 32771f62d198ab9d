"""What several layers become when they are taken together."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...layers import Array, Layer
from ...layers.concat import Concat
from ...layers.convolution import Convolution
from .graph import Operation, Value


class Fused(Operation):
    """An operation on images that also does what follows it: y = r(f(x) · factor + shift).

    Factor and shift have one number per channel each; r is the rectifier with ``slope``, if that is a number. ``names``
    are those of all layers that it stands for.
    """

    adds = False
    """Whether something is added after factor and shift: no others can follow then."""

    def __init__(self, layer: Layer, bottom: Value, top: Value) -> None:
        super().__init__([bottom], [top])
        self.names = [layer.name]
        self.engine = layer.engine
        self.slope: float | None = None
        self._factor: Array | None = None
        self._shift: Array | None = None

    def multiply(self, factor: Array, shift: Array) -> None:
        """Follow by ``y · factor + shift``."""
        self._shift = shift if self._shift is None else self._shift * factor + shift
        self._factor = factor if self._factor is None else self._factor * factor

    def take(self, name: str, top: Value) -> None:
        """Write *top*, as the layer *name* did."""
        self.names.append(name)
        self.tops = [top]
        top.producer = self


class FusedConvolution(Fused):
    """y = r(convolution(x) · factor + shift + z): a convolution with what follows it, in one pass over y.

    Factor and shift are in the weights. z is a second bottom, in whose place y then lies. With ``into``, the value that
    a Concat makes and the first of its channels, y is a part of that. With ``depthwise``, another convolution, x is
    what that makes of the bottom, and is never stored.
    """

    def __init__(self, layer: Convolution, bottom: Value, top: Value) -> None:
        super().__init__(layer, bottom, top)
        self.layer = layer
        self.into: tuple[Value, int] | None = None
        self.depthwise: FusedConvolution | None = None

    def add_to(self, value: Value) -> None:
        """Follow by ``y + value``."""
        self.bottoms.append(value)
        self.adds = True

    def follow(self, depthwise: FusedConvolution) -> None:
        """Compute what *depthwise* makes on the way."""
        self.depthwise = depthwise
        self.bottoms[0] = depthwise.bottoms[0]

    def shape(self) -> None:
        x, y = self.bottoms[0].blob, self.tops[0].blob
        if self.depthwise is not None:
            self.depthwise.shape()
            x = self.depthwise.tops[0].blob
        self.layer.reshape([x], [y])
        if self.adds:
            y.share_data(self.bottoms[1].blob)

    def bind(self) -> None:
        super().bind()
        x, first = self.bottoms[0].blob.data, self.depthwise
        if self.into is None:
            y = self.tops[0].blob.data
        else:
            whole, channel = self.into
            y = whole.blob.data[:, channel : channel + self.layer.num_output]
        weights, bias = self._folded()
        if first is None:
            packed = self.engine.pack_convolution(x.shape, weights, self.layer.geometry)
            fused = partial(self.engine.conv_fused, x)
            geometry = self.layer.geometry
        else:
            packed = self.engine.pack_convolution(first.tops[0].blob.shape, weights, self.layer.geometry)
            fused = partial(self.engine.conv_separable, x, *first._folded(), first.slope)
            geometry = first.layer.geometry
        self._run = partial(fused, weights, bias, y, self.adds, self.slope, packed, geometry)

    def run(self) -> None:
        self.refresh()
        self._run()

    def _folded(self) -> tuple[Array, Array | None]:
        weights = self.layer.blobs[0].data
        bias = self.layer.blobs[1].data if self.layer.has_bias else None
        if self._factor is None or self._shift is None:
            return weights, bias
        shift = self._shift if bias is None else self._shift + bias * self._factor
        folded = weights * self._factor.reshape(-1, 1, 1, 1)
        return np.ascontiguousarray(folded, weights.dtype), np.ascontiguousarray(shift, weights.dtype)

    def __str__(self) -> str:
        names = self.names if self.depthwise is None else self.depthwise.names + self.names
        added = f", added to '{self.bottoms[1].name}'" if self.adds else ""
        joined = "" if self.into is None else f", into '{self.into[0].name}'"
        return f"{self.layer.type} {_listed(names)}{added}{joined}"


class ChannelAffine(Fused):
    """y = r(x · factor + shift): layers such as BatchNorm and Scale taken together."""

    def __init__(self, layer: Layer, bottom: Value, top: Value, factor: Array, shift: Array) -> None:
        super().__init__(layer, bottom, top)
        self.multiply(factor, shift)

    def shape(self) -> None:
        self.tops[0].blob.reshape_like(self.bottoms[0].blob)

    def bind(self) -> None:
        super().bind()
        x, y = self.bottoms[0].blob, self.tops[0].blob
        view = (*x.shape[:2], x.shape[2] * x.shape[3])
        factor, shift = (np.ascontiguousarray(numbers, x.dtype) for numbers in (self._factor, self._shift))
        self._arguments = (x.data.reshape(view), factor, shift, y.data.reshape(view))
        self._y = y.data

    def run(self) -> None:
        self.refresh()
        self.engine.scale_forward(*self._arguments)
        if self.slope is not None:
            self.engine.relu_forward(self._y, self._y, self.slope)

    def __str__(self) -> str:
        return f"factor and shift {_listed(self.names)}"


class Join(Operation):
    """A Concat along the channels: copies the parts that are not written in their place already."""

    def __init__(self, layer: Concat, bottoms: list[Value], top: Value) -> None:
        super().__init__(bottoms, [top])
        self.layer = layer

    def shape(self) -> None:
        self.layer.reshape([value.blob for value in self.bottoms], [self.tops[0].blob])

    def bind(self) -> None:
        super().bind()
        top, first = self.tops[0].blob.data, 0
        self._copies: list[tuple[Array, Array]] = []
        for value in self.bottoms:
            end = first + value.blob.shape[1]
            if not self.has(value):
                self._copies.append((value.blob.data, top[:, first:end]))
            first = end

    def has(self, value: Value) -> bool:
        """Whether *value* is written as a part of the top from the start."""
        return isinstance(value.producer, FusedConvolution) and value.producer.into is not None

    def run(self) -> None:
        self.refresh()
        for source, target in self._copies:
            self.layer.engine.copy(source, target)

    def __str__(self) -> str:
        return f"{self.layer.type} '{self.layer.name}', {len(self._copies)} of {len(self.bottoms)} parts copied"


def _listed(names: list[str]) -> str:
    return " + ".join(f"'{name}'" for name in names)
