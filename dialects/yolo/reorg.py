"""Reorg: pixels into channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Array, Blobs
from ..fork_layer import ForkLayer
from ..ssd.tables import ANNOTATIONS, LAYERS, TRANSFORM
from ..table import Table
from .tables import DARKNET, MOBILENET_YOLO


class Reorg(ForkLayer):
    """Makes an image smaller and deeper without losing a number, in the order that darknet has it.

    Forward: with s the stride, the numbers of the bottom are read as an image Z of N × C/s² × H·s × W·s, and written as
    ``Y[n, (a · s + b) · C/s² + c, i, j] = Z[n, c, i · s + a, j · s + b]`` of N × C × H × W; these numbers in their
    order are the top, N × C·s² × H/s × W/s. (So whole pixels do not stay together; weights were trained that way.)
    With ``reverse`` the other way: Z, N × C/s² × H·s × W·s, is the top and Y the bottom. Backward is the inverse.

    Bottom: N × C × H × W, C divisible by s², and H and W by s unless reversed.

    Parameters, in ``reorg_param``: ``stride`` (required); ``reverse`` (false).
    Errors: ParameterError; ShapeError for sizes that the stride does not divide.

    Example::

        layer { name: "reorg" type: "Reorg" bottom: "conv" top: "reorg" reorg_param { stride: 2 } }

    Source: darknet's reorg layer (Redmon and Farhadi, "YOLO9000", 2016) as MobileNet-YOLO has it.
    """

    type: ClassVar[str] = "Reorg"
    param_field: ClassVar[str | None] = "reorg_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS, TRANSFORM, DARKNET, MOBILENET_YOLO)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.stride < 1:
            self.fail("stride must be given, at least 1", "stride", got=self.param.stride)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].num_axes != 4:
            self.fail_shape("the bottom must have 4 axes (number, channels, height, width)", bottom[0])
        n, c, h, w = bottom[0].shape
        s = int(self.param.stride)
        whole = not self.param.reverse
        if c % s**2 or (whole and (h % s or w % s)):
            sizes = "the channels, and the stride both sizes" if whole else "the channels"
            self.fail_shape(f"stride² ({s * s}) must divide {sizes}", bottom[0])
        self.deep = (n, s, s, c // s**2, h, w)
        self.wide = (n, c // s**2, h, s, w, s)
        top[0].reshape((n, c * s**2, h // s, w // s) if whole else (n, c // s**2, h * s, w * s))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self._move(bottom[0].data, top[0].data, gather=not self.param.reverse)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self._move(top[0].diff, bottom[0].diff, gather=bool(self.param.reverse))

    def _move(self, source: Array, target: Array, gather: bool) -> None:
        """From Z to Y (*gather*), or back."""
        if gather:
            self.engine.xp.copyto(target.reshape(self.deep), source.reshape(self.wide).transpose(0, 3, 5, 1, 2, 4))
        else:
            self.engine.xp.copyto(target.reshape(self.wide), source.reshape(self.deep).transpose(0, 3, 4, 1, 5, 2))
