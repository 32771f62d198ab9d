"""LSTMUnit: one time step of an LSTM, without its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..plugins import hookimpl
from .arity import Arity, exactly
from .blob import Blob
from .context import LayerContext
from .layer import Blobs, Layer
from .lstm_cell import LSTMCell, carry

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class LSTMUnit(Layer):
    """The non-linear part of an LSTM: from the last cell state and the gates' inputs to the next state and its output.

    Forward ``i, f, o = s(gates), g = tanh(gates)`` for the four quarters of gates in the order i, f, o, g, with
    ``s(z) = 1 / (1 + exp(-z))``; ``c = cont · f · c_prev + i · g``; ``h = o · tanh(c)``.
    Backward, with ``dt = dc + dh · o · (1 - tanh(c)²)``: ``dc_prev = dt · cont · f``; ``di = dt · g · i · (1 - i)``;
    ``df = dt · cont · c_prev · f · (1 - f)``; ``do = dh · tanh(c) · o · (1 - o)``; ``dg = dt · i · (1 - g²)``.

    Bottoms: c_prev, 1 × N × D; gates, 1 × N × 4D; cont, 1 × N, 0 where a sequence begins (the state before it is
    forgotten), otherwise 1. Tops: c and h, both 1 × N × D. No parameters. No gradient goes to cont.
    Errors: ShapeError where the shapes do not fit.

    Example::

        layer { name: "unit" type: "LSTMUnit" bottom: "c0" bottom: "gates" bottom: "cont" top: "c1" top: "h1" }

    Source: Caffe's LSTMUnit layer; Donahue et al., "Long-term Recurrent Convolutional Networks", 2015.
    """

    type: ClassVar[str] = "LSTMUnit"
    bottoms: ClassVar[Arity] = exactly(3)
    tops: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (2,)

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._cell = LSTMCell(self.engine, self.dtype, self.name)
        self._carried = Blob(dtype=self.dtype, name=f"{self.name} carried state")
        self._fresh = Blob(dtype=np.bool_, name=f"{self.name} fresh")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        c_prev, gates, cont = bottom
        if c_prev.num_axes != 3 or c_prev.shape[0] != 1:
            self.fail_shape("the state must have the shape 1 x N x D", c_prev)
        _, n, d = c_prev.shape
        if gates.shape != (1, n, 4 * d):
            self.fail_shape(f"the gates must have the shape 1 x {n} x {4 * d}, four for each element of c", gates)
        if cont.shape != (1, n):
            self.fail_shape(f"cont must have the shape 1 x {n}", cont)
        top[0].reshape_like(c_prev)
        top[1].reshape_like(c_prev)
        self._cell.reshape(1, n, d)
        self._carried.reshape(n, d)
        self._fresh.reshape(n)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        c_prev, gates, cont = (blob.data[0] for blob in bottom)
        carried, fresh = self._carried.data, self._fresh.data
        self.engine.xp.equal(cont, 0, out=fresh)
        carry(self.engine, c_prev, cont, fresh, carried)
        self._cell.forward(0, gates, carried, top[0].data[0], top[1].data[0])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dc_prev = bottom[0].diff[0] if propagate_down[0] else None
        dgates = bottom[1].diff[0] if propagate_down[1] else None
        self._cell.backward(0, self._carried.data, top[0].diff[0], top[1].diff[0], dgates, dc_prev)
        if dc_prev is not None:
            carry(self.engine, dc_prev, bottom[2].data[0], self._fresh.data, dc_prev)
        if propagate_down[2]:
            bottom[2].diff.fill(0)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [LSTMUnit]
