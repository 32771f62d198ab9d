"""Unpooling: max pooling the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...errors import NetError
from ...layers import Arity, Blobs, exactly
from ..fork_layer import ForkLayer
from ..table import Table
from .places import check_places, gather, scatter
from .tables import DECONVNET

MAX = 0


class Unpooling(ForkLayer):
    """Puts each pixel where a max pooling had found it; all else is 0.

    Forward ``y[n, c].flat[m[n, c, i, j]] = x[n, c, i, j]`` with the mask m; if two windows had found the same pixel
    the later one stays. Backward ``dx[n, c, i, j] = dy[n, c].flat[m[n, c, i, j]]``.

    Bottoms: N × C × H × W, and the mask of the same shape, as the second top of a Pooling layer gives it (no gradient).
    Top: N × C × H' × W'.

    Parameters, in ``unpooling_param``: ``unpool`` (MAX; AVE and TILE have no implementation); H' and W' are
    ``unpool_size``, or ``unpool_h`` and ``unpool_w``, else ``(H - 1) · stride + kernel - 2 pad`` from ``kernel_size``,
    ``stride`` (1) and ``pad`` (0), each also with ``_h`` and ``_w``.
    Errors: ParameterError; ShapeError; NetError for AVE and TILE; DataError for a place outside the top.

    Example, a V1 layer::

        layers {
          name: "unpool5" type: UNPOOLING bottom: "deconv6" bottom: "pool5_mask" top: "unpool5"
          unpooling_param { unpool: MAX kernel_size: 2 stride: 2 unpool_size: 14 }
        }

    Source: DeconvNet (Noh, Hong and Han, "Learning Deconvolution Network for Semantic Segmentation", 2015).
    """

    type: ClassVar[str] = "Unpooling"
    param_field: ClassVar[str | None] = "unpooling_param"
    tables: ClassVar[Sequence[Table]] = (DECONVNET,)
    bottoms: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.unpool != MAX:
            self.fail(
                "only unpool: MAX has an implementation here",
                "unpool",
                error=NetError,
                hint="an Upsample layer without a mask repeats pixels, a Deconvolution spreads them",
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x, mask = bottom
        if x.num_axes != 4 or mask.shape != x.shape:
            self.fail_shape(
                "the image must have 4 axes (number, channels, height, width), and the mask the same", x, mask
            )
        top[0].reshape((*x.shape[:2], self._size("h", x.shape[2]), self._size("w", x.shape[3])))

    def _size(self, axis: str, size: int) -> int:
        given = self._one("unpool", "size", axis)
        if given:
            return given
        kernel = self._one("kernel", "size", axis)
        if not kernel:
            self.fail("unpool_size or kernel_size must be given", "unpool_size")
        return (size - 1) * self._one("stride", "", axis) + kernel - 2 * self._one("pad", "", axis)

    def _one(self, name: str, tail: str, axis: str) -> int:
        """The field for one axis, where it is given, or the one for both."""
        alone = f"{name}_{axis}"
        both = f"{name}_{tail}" if tail else name
        return int(getattr(self.param, alone if self.param.HasField(alone) else both))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        check_places(self, bottom[1], top[0])
        scatter(bottom[0].data, bottom[1].data, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            gather(top[0].diff, bottom[1].data, bottom[0].diff)
