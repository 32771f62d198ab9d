"""LSTM: long short-term memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..plugins import hookimpl
from .arity import Arity, between
from .blob import Array, Blob
from .context import LayerContext
from .layer import Blobs, Layer
from .lstm_cell import LSTMCell
from .recurrent import RecurrentLayer, States

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class LSTM(RecurrentLayer):
    """A recurrent layer whose memory cell is guarded by gates, over T steps of N sequences.

    Forward, at each step t, with the carried states ``h' = cont[t] · h[t-1]`` and ``c' = cont[t] · c[t-1]``:
    ``z = W_xc x[t] + W_xc_static x_static + W_hc h' + b_c``; ``i, f, o = s(z), g = tanh(z)`` for the four quarters of z
    in the order i, f, o, g, with ``s(z) = 1 / (1 + exp(-z))``; ``c[t] = f · c' + i · g``;
    ``y[t] = h[t] = o · tanh(c[t])``.
    Backward: the chain rule through all steps of this forward (``dW = sum over t of dz[t] input[t]``). The gradient
    stops before the first step: it does not reach the states carried from the forward before, nor hidden bottoms or
    tops.

    Bottoms: x, T × N × …; cont, T × N, 0 where a sequence begins and 1 where it goes on; optionally x_static, N × …,
    read at every step; with ``expose_hidden`` h0 and c0, each 1 × N × D. Tops: y, T × N × D; with ``expose_hidden`` the
    last h and c, each 1 × N × D. Learned, I and S being the numbers of features of x and x_static: W_xc, 4D × I; b_c,
    4D; W_xc_static, 4D × S, with that bottom; W_hc, 4D × D.

    Without ``expose_hidden`` a forward begins with the states that the one before ended with: ``layer.state`` holds h
    and c, ``layer.reset()`` sets them to 0, and so does another N.

    Parameters, in ``recurrent_param``: ``num_output`` (0, so required), D; ``weight_filler`` (constant 0);
    ``bias_filler`` (constant 0); ``expose_hidden`` (false); ``debug_info`` (false) is read and makes no difference.
    Errors: ParameterError for num_output 0, or other numbers of bottoms and tops; ShapeError where shapes do not fit.

    Example::

        layer { name: "lstm1" type: "LSTM" bottom: "words" bottom: "cont" top: "lstm1"
                recurrent_param { num_output: 256 weight_filler { type: "uniform" min: -0.08 max: 0.08 } } }

    Source: Caffe's LSTM layer; Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Donahue et al., 2015.
    """

    type: ClassVar[str] = "LSTM"
    bottoms: ClassVar[Arity] = between(2, 5)
    tops: ClassVar[Arity] = between(1, 3)
    states: ClassVar[int] = 2
    gates: ClassVar[int] = 4

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._cell = LSTMCell(self.engine, self.dtype, self.name)
        self._memory = Blob(dtype=self.dtype, name=f"{self.name} states")
        self._carried_memory = Blob(dtype=self.dtype, name=f"{self.name} carried states")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._cell.reshape(*top[0].shape)
        self._memory.reshape_like(top[0])
        self._carried_memory.reshape_like(top[0])

    def advance(self, t: int, z: Array, before: States, h: Array) -> States:
        c, carried = self._memory.data[t], self._carried_memory.data[t]
        self.carry(t, before[1], carried)
        self._cell.forward(t, z, carried, c, h)
        return h, c

    def retreat(self, t: int, dh: Array, after: States, dz: Array) -> None:
        self._cell.backward(t, self._carried_memory.data[t], after[1], dh, dz, after[1])
        self.carry(t, after[1], after[1])


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [LSTM]
