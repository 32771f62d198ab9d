"""Parameter: a learned blob as a top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .arity import Arity, exactly
from .layer import Blobs, Layer


class Parameter(Layer):
    """A learned array that other layers read as a bottom: a way to learn what no layer has of its own.

    Forward ``y = w``.
    Backward ``dw = dy``, added up over passes (Caffe keeps only the last).

    Bottoms: none. Top: the shape that the parameters say. Learned: w, of that shape, 0 at the beginning. The top is a
    copy, so a layer that runs in place behind it leaves w alone.

    Parameters, in ``parameter_param``: ``shape`` (no axes), with a ``dim`` for each axis.

    Example::

        layer { name: "theta" type: "Parameter" top: "theta" parameter_param { shape { dim: 2 dim: 3 } } }

    Source: Caffe's Parameter layer.
    """

    type: ClassVar[str] = "Parameter"
    param_field: ClassVar[str | None] = "parameter_param"
    bottoms: ClassVar[Arity] = exactly(0)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.add_param(self.param.shape.dim)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape_like(self.blobs[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.copy(self.blobs[0].data, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if self.param_propagate_down[0]:
            self.engine.axpy(1.0, top[0].diff, self.blobs[0].diff)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Parameter]
