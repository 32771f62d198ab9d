"""The two small records that say how a window moves over an image, in any number of spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class ConvGeometry:
    """How a convolution's window moves. Every tuple has one entry per spatial axis.

    Parameters: *kernel*; *stride* (default 1s); *pad*, zeros on both sides (default 0s); *dilation*, the step between
    two taps of the kernel (default 1s); *groups* (default 1), which divides both the input and the output channels.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...] = ()
    pad: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1

    def __post_init__(self) -> None:
        _fill_in(self, stride=1, pad=0, dilation=1)

    @property
    def extent(self) -> tuple[int, ...]:
        """How many pixels one window spans: dilation * (kernel - 1) + 1."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def taps(self) -> int:
        """The number of weights in one window."""
        return prod(self.kernel)

    @property
    def pointwise(self) -> bool:
        """True if the columns are the image itself: a kernel of 1s, with stride 1 and no padding."""
        return all(k == 1 and s == 1 and p == 0 for k, s, p in zip(self.kernel, self.stride, self.pad, strict=True))

    def output_size(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """floor((size + 2 pad - extent) / stride) + 1 per axis; below 1 if the window does not fit."""
        axes = zip(spatial, self.extent, self.stride, self.pad, strict=True)
        return tuple((n + 2 * p - e) // s + 1 for n, e, s, p in axes)

    def deconv_output_size(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """stride * (size - 1) + extent - 2 pad per axis: what a deconvolution makes of *spatial*."""
        axes = zip(spatial, self.extent, self.stride, self.pad, strict=True)
        return tuple(s * (n - 1) + e - 2 * p for n, e, s, p in axes)


@dataclass(frozen=True)
class PoolGeometry:
    """How a pooling window moves. Every tuple has one entry per spatial axis.

    Parameters: *kernel*; *stride* (default 1s); *pad* (default 0s), which must be smaller than the kernel; *ceil*
    (default true), round the output size up as Caffe does.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...] = ()
    pad: tuple[int, ...] = ()
    ceil: bool = True

    def __post_init__(self) -> None:
        _fill_in(self, stride=1, pad=0)

    def output_size(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """ceil (or floor) of (size + 2 pad - kernel) / stride, + 1.

        If there is padding on any axis, a last window that starts at or beyond size + pad is dropped. Without padding
        it stays, as in Caffe, although it is empty (only possible with a stride above the kernel).
        """
        padded = any(self.pad)
        return tuple(self._outputs(n, axis, padded) for axis, n in enumerate(spatial))

    def _outputs(self, size: int, axis: int, padded: bool) -> int:
        kernel, stride, pad = self.kernel[axis], self.stride[axis], self.pad[axis]
        room = size + 2 * pad - kernel
        count = (-(-room // stride) if self.ceil else room // stride) + 1
        if padded and (count - 1) * stride >= size + pad:
            count -= 1
        return count


def _fill_in(geometry: ConvGeometry | PoolGeometry, **defaults: int) -> None:
    """Give every tuple that was left empty its default, one entry per axis of the kernel."""
    for name, value in defaults.items():
        if not getattr(geometry, name):
            object.__setattr__(geometry, name, (value,) * len(geometry.kernel))
