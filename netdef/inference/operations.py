"""What several layers become when they are taken together."""

from __future__ import annotations

import numpy as np

from ...layers import Array, Layer
from ...layers.concat import Concat
from ...layers.convolution import Convolution
from .graph import Operation, Value


class FusedConvolution(Operation):
    """y = r(convolution(x) · factor + shift + z): a convolution with what follows it, in one pass over y.

    Factor and shift, one number per channel each, are in the weights. z is a second bottom, in whose place y then lies;
    r is the rectifier with ``slope``, if that is a number. With ``into``, the value that a Concat makes and the first
    of its channels, y is a part of that.
    """

    def __init__(self, layer: Convolution, bottom: Value, top: Value) -> None:
        super().__init__([bottom], [top])
        self.layer = layer
        self.names = [layer.name]
        self.slope: float | None = None
        self.into: tuple[Value, int] | None = None
        self._factor: Array | None = None
        self._shift: Array | None = None

    @property
    def adds(self) -> bool:
        """Whether there is a z."""
        return len(self.bottoms) == 2

    def multiply(self, factor: Array, shift: Array) -> None:
        """Follow by ``y · factor + shift``."""
        self._shift = shift if self._shift is None else self._shift * factor + shift
        self._factor = factor if self._factor is None else self._factor * factor

    def add_to(self, value: Value) -> None:
        """Follow by ``y + value``."""
        self.bottoms.append(value)

    def take(self, name: str, top: Value) -> None:
        """Write *top*, as the layer *name* did."""
        self.names.append(name)
        self.tops = [top]
        top.producer = self

    def shape(self) -> None:
        x, y = self.bottoms[0].blob, self.tops[0].blob
        self.layer.reshape([x], [y])
        if self.adds:
            y.share_data(self.bottoms[1].blob)

    def bind(self) -> None:
        super().bind()
        x, layer = self.bottoms[0].blob, self.layer
        if self.into is None:
            y = self.tops[0].blob.data
        else:
            whole, first = self.into
            y = whole.blob.data[:, first : first + layer.num_output]
        weights, bias = self._folded()
        packed = layer.engine.pack_convolution(x.shape, weights, layer.geometry)
        self._arguments = (x.data, weights, bias, y, self.adds, self.slope, packed, layer.geometry)

    def run(self) -> None:
        self.refresh()
        self.layer.engine.conv_fused(*self._arguments)

    def _folded(self) -> tuple[Array, Array | None]:
        weights = self.layer.blobs[0].data
        bias = self.layer.blobs[1].data if self.layer.has_bias else None
        if self._factor is None or self._shift is None:
            return weights, bias
        shift = self._shift if bias is None else self._shift + bias * self._factor
        folded = weights * self._factor.reshape(-1, 1, 1, 1)
        return np.ascontiguousarray(folded, weights.dtype), np.ascontiguousarray(shift, weights.dtype)

    def __str__(self) -> str:
        added = f", added to '{self.bottoms[1].name}'" if self.adds else ""
        joined = "" if self.into is None else f", into '{self.into[0].name}'"
        return f"{self.layer.type} {_listed(self.names)}{added}{joined}"


class ChannelAffine(Operation):
    """y = r(x · factor + shift), one number per channel each: layers such as BatchNorm and Scale taken together."""

    adds = False

    def __init__(self, layer: Layer, bottom: Value, top: Value, factor: Array, shift: Array) -> None:
        super().__init__([bottom], [top])
        self.names = [layer.name]
        self.engine = layer.engine
        self.slope: float | None = None
        self._factor, self._shift = factor, shift

    def multiply(self, factor: Array, shift: Array) -> None:
        """Follow by ``y · factor + shift``."""
        self._factor, self._shift = self._factor * factor, self._shift * factor + shift

    def take(self, name: str, top: Value) -> None:
        """Write *top*, as the layer *name* did."""
        self.names.append(name)
        self.tops = [top]
        top.producer = self

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
