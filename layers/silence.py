"""Silence: takes blobs that nobody wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .arity import Arity, at_least, exactly
from .layer import Blobs, Layer


class Silence(Layer):
    """Reads blobs so that they are not outputs of the net. Forward does nothing, backward ``dx = 0``.

    Bottoms: one or more, any shape. No tops, no parameters.

    Example::

        layer { name: "silence" type: "Silence" bottom: "label" }

    Source: Caffe's Silence layer.
    """

    type: ClassVar[str] = "Silence"
    bottoms: ClassVar[Arity] = at_least(1)
    tops: ClassVar[Arity] = exactly(0)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to shape."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to compute."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff.fill(0)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Silence]
