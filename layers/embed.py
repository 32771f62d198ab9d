"""Embed: a table of learned vectors, looked up by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..plugins import hookimpl
from .blob import Array, Blob
from .context import LayerContext
from .indices import whole_numbers
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class Embed(Layer):
    """A learned vector for each index: an InnerProduct whose input is a one-hot vector, without the zeros.

    Forward ``y[i] = W[index[i]] + b``.
    Backward ``dW[j] = sum of dy[i] over all i with index[i] = j``; ``db = sum of dy[i]``.

    Bottom: indices in any shape, whole numbers from 0 to input_dim - 1 (a fraction is dropped); no gradient goes to it.
    Top: the shape of the bottom, and a last axis of num_output. Learned: W, input_dim × num_output; b, num_output, with
    ``bias_term``.

    Parameters, in ``embed_param``: ``num_output`` (required), the length of the vectors; ``input_dim`` (required), how
    many there are; ``bias_term`` (true); ``weight_filler`` (constant 0); ``bias_filler`` (constant 0).
    Errors: ParameterError for sizes of 0; DataError for an index out of range, with its place.

    Example::

        layer { name: "word" type: "Embed" bottom: "index" top: "word"
                embed_param { input_dim: 8801 num_output: 500 weight_filler { type: "uniform" min: -1 } } }

    Source: Caffe's Embed layer.
    """

    type: ClassVar[str] = "Embed"
    param_field: ClassVar[str | None] = "embed_param"
    no_gradient_to: ClassVar[tuple[int, ...]] = (0,)

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._index = Blob(dtype=np.intp, name=f"{self.name} index")
        self._places = Blob(dtype=np.intp, name=f"{self.name} places")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param
        for field in ("num_output", "input_dim"):
            if not getattr(p, field):
                self.fail(f"{field} must be set, and at least 1", field, got=getattr(p, field))
        self.add_param((p.input_dim, p.num_output), p.weight_filler if p.HasField("weight_filler") else None)
        if p.bias_term:
            self.add_param((p.num_output,), p.bias_filler if p.HasField("bias_filler") else None)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        size = self.param.num_output
        top[0].reshape(*bottom[0].shape, size)
        self._index.reshape(bottom[0].count)
        self._places.reshape(bottom[0].count, size)
        self._view = (bottom[0].count, size, 1)
        self._columns = np.arange(size)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        y = top[0].data.reshape(self._view)
        index = whole_numbers(self, bottom[0], self._index, self.param.input_dim, "input_dim")
        if index.size:
            self.engine.xp.take(self.blobs[0].data, index, axis=0, out=y[:, :, 0], mode="clip")
        if self.param.bias_term:
            self.engine.bias_forward(y, self.blobs[1].data, y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff
        if propagate_down[0]:
            bottom[0].diff.fill(0)
        if self.param_propagate_down[0]:
            self._add_rows(dy.reshape(-1), self.blobs[0].diff.reshape(-1))
        if self.param.bias_term and self.param_propagate_down[1]:
            self.engine.bias_backward(dy.reshape(self._view), self.blobs[1].diff)

    def _add_rows(self, dy: Array, dw: Array) -> None:
        """dW[index[i]] += dy[i], over flat arrays, for which repeated places are added fastest."""
        xp, places, size = self.engine.xp, self._places.data, self.param.num_output
        xp.multiply(self._index.data[:, None], size, out=places)
        xp.add(places, self._columns, out=places)
        xp.add.at(dw, places.reshape(-1), dy)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Embed]
