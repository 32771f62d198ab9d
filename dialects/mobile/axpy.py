"""Axpy: a factor for each channel, and something added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Arity, Blob, Blobs, Layer, exactly, product


class Axpy(Layer):
    """Multiplies each channel of an image by a factor of its own and adds another image.

    Forward ``y[n, c] = a[n, c] · x[n, c] + b[n, c]``.
    Backward ``da[n, c] = sum of dy · x`` over the channel, ``dx = a · dy``, ``db = dy``.

    Bottoms: a, N × C (with or without two axes of 1 behind); x and b, N × C × …. Top: the shape of x.
    Errors: ShapeError for shapes that do not fit.

    Example::

        layer { name: "block" type: "Axpy" bottom: "weights" bottom: "residual" bottom: "shortcut" top: "block" }

    Source: SENet's Axpy layer (Hu et al., "Squeeze-and-Excitation Networks", 2017).
    """

    type: ClassVar[str] = "Axpy"
    bottoms: ClassVar[Arity] = exactly(3)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.work = Blob(dtype=self.dtype)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        a, x, b = bottom
        if x.num_axes < 2 or x.shape != b.shape:
            self.fail_shape("the second and third bottom must have the same shape, N x C x ...", x, b)
        if a.num_axes < 2 or a.shape[:2] != x.shape[:2] or a.count != a.shape[0] * a.shape[1]:
            self.fail_shape("there must be one factor for each channel of each image", a, x)
        self.view = (product(x.shape[:2]), product(x.shape[2:]))
        self.work.reshape(self.view)
        top[0].reshape_like(x)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        a, x, b = bottom
        xp, y = self.engine.xp, top[0].data.reshape(self.view)
        xp.multiply(a.data.reshape(-1, 1), x.data.reshape(self.view), out=y)
        xp.add(y, b.data.reshape(self.view), out=y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        a, x, b = bottom
        xp, dy = self.engine.xp, top[0].diff.reshape(self.view)
        if propagate_down[0]:
            xp.multiply(dy, x.data.reshape(self.view), out=self.work.data)
            xp.sum(self.work.data, axis=1, out=a.diff.reshape(-1))
        if propagate_down[1]:
            xp.multiply(a.data.reshape(-1, 1), dy, out=x.diff.reshape(self.view))
        if propagate_down[2]:
            self.engine.copy(top[0].diff, b.diff)
