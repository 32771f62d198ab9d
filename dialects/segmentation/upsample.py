"""Upsample: a larger image, with every pixel back where a pooling took it from, or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Arity, Array, Blobs, between
from ..fork_layer import ForkLayer
from ..table import Table
from .places import check_places, gather, scatter
from .tables import KENDALL, SEGNET


class Upsample(ForkLayer):
    """Makes an image larger. With a mask, each pixel goes where a max pooling had found it and all else is 0; without
    one, each pixel is repeated.

    Forward with a mask m: ``y[n, c].flat[m[n, c, i, j]] = x[n, c, i, j]``, 0 elsewhere; if two go to one place the
    later stays. Backward ``dx[n, c, i, j] = dy[n, c].flat[m[n, c, i, j]]``.
    Without: ``y[i, j] = x[i // scale, j // scale]``; backward sums.

    Bottoms: N × C × H × W, and a mask of the same shape, as the second top of a Pooling layer gives it (no gradient).
    Top: N × C × H' × W'.

    Parameters, in ``upsample_param``: H' and W' are ``upsample_h`` and ``upsample_w`` where given, else H and W times
    ``scale`` (2), or ``scale_h`` and ``scale_w``, less one with ``pad_out_h``, ``pad_out_w`` (false). Without a mask
    only ``scale`` counts (1 in MobileNet-YOLO).
    Errors: ParameterError; ShapeError; DataError for a place outside the top.

    Example::

        layer { name: "up" type: "Upsample" bottom: "pool" bottom: "pool_mask" top: "up" upsample_param { scale: 2 } }

    Source: SegNet (Badrinarayanan et al., 2015); MobileNet-YOLO for the form without a mask.
    """

    type: ClassVar[str] = "Upsample"
    param_field: ClassVar[str | None] = "upsample_param"
    tables: ClassVar[Sequence[Table]] = (KENDALL, SEGNET)
    bottoms: ClassVar[Arity] = between(1, 2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.scale < 1:
            self.fail("scale must be at least 1", "scale", got=self.param.scale)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        if x.num_axes != 4:
            self.fail_shape("the bottom must have 4 axes (number, channels, height, width)", x)
        if len(bottom) == 2 and bottom[1].shape != x.shape:
            self.fail_shape("the mask must have the shape of the image", bottom[1], x)
        sizes = [self._size(axis, x.shape[2 + i]) if len(bottom) == 2 else x.shape[2 + i] * self.param.scale
                 for i, axis in enumerate("hw")]  # fmt: skip
        top[0].reshape((*x.shape[:2], *sizes))

    def _size(self, axis: str, size: int) -> int:
        """The height (``"h"``) or width (``"w"``) of the top."""
        known = self.param.DESCRIPTOR.fields_by_name
        exact = f"upsample_{axis}"
        if exact in known and self.param.HasField(exact):
            return int(getattr(self.param, exact))
        one = f"scale_{axis}"
        scale = getattr(self.param, one) if one in known and self.param.HasField(one) else self.param.scale
        return int(size * scale - getattr(self.param, f"pad_out_{axis}", False))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if len(bottom) == 2:
            check_places(self, bottom[1], top[0])
            scatter(bottom[0].data, bottom[1].data, top[0].data)
        else:
            self._blocks(top[0].data, bottom[0].shape)[...] = bottom[0].data[:, :, :, None, :, None]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if len(bottom) == 2:
            gather(top[0].diff, bottom[1].data, bottom[0].diff)
        else:
            np.sum(self._blocks(top[0].diff, bottom[0].shape), axis=(3, 5), out=bottom[0].diff)

    def _blocks(self, y: Array, shape: Sequence[int]) -> Array:
        scale = self.param.scale
        return y.reshape(*shape[:3], scale, shape[3], scale)
