"""Input: blobs that the caller fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .arity import Arity, at_least, exactly
from .layer import Blobs, Layer


class Input(Layer):
    """Declares blobs that hold what the caller writes into them before ``forward``.

    No bottoms. Tops: one or more. Parameters, ``input_param``: ``shape { dim: … }``, once for all tops or once per
    top; left out, the caller must reshape the blobs first. A blob that the caller reshapes keeps its new shape.
    Errors: ParameterError for another number of shapes, or a negative size.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 227 dim: 227 } } }

    Source: Caffe's Input layer.
    """

    type: ClassVar[str] = "Input"
    param_field: ClassVar[str | None] = "input_param"
    bottoms: ClassVar[Arity] = exactly(0)
    tops: ClassVar[Arity] = at_least(1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        shapes = [tuple(shape.dim) for shape in self.param.shape]
        if len(shapes) not in (0, 1, len(top)):
            rule = f"shape must be given once, once per top ({len(top)}), or not at all"
            self.fail(rule, "shape", got=f"{len(shapes)} times")
        for index, shape in enumerate(shapes):
            if min(shape, default=0) < 0:
                self.fail("sizes must not be negative", "shape", index, got=shape)
        for blob, shape in zip(top, shapes if len(shapes) != 1 else shapes * len(top), strict=False):
            blob.reshape(shape)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to do: the caller may have given the tops other shapes."""

    def infer_shapes(self, bottom: Blobs, top: Blobs) -> bool:
        self.setup(bottom, top)
        return bool(self.param.shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to do: the caller has written the data."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing to do: there is nothing before it."""


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Input]
