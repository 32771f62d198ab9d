"""The base of layers that work element by element: the top has the bottom's shape and may be the bottom itself."""

from __future__ import annotations

from typing import ClassVar

from .layer import Blobs, Layer


class NeuronLayer(Layer):
    """One bottom, one top of the same shape, in place allowed."""

    in_place: ClassVar[bool] = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape_like(bottom[0])
