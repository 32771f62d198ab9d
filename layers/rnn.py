"""RNN: the plain recurrent layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..plugins import hookimpl
from .arity import Arity, between
from .blob import Array, Blob
from .context import LayerContext
from .layer import Blobs, Layer
from .recurrent import RecurrentLayer, States

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class RNN(RecurrentLayer):
    """A recurrent layer with one tanh for its state and one for its output, over T steps of N sequences.

    Forward, at each step t, with the carried state ``h' = cont[t] · h[t-1]``:
    ``h[t] = tanh(W_xh x[t] + W_xh_static x_static + W_hh h' + b_h)``; ``y[t] = tanh(W_ho h[t] + b_o)``.
    Backward: the chain rule through all steps of this forward (``dW = sum over t of dz[t] input[t]``). The gradient
    stops before the first step: it does not reach the state carried from the forward before, nor hidden bottoms or
    tops.

    Bottoms: x, T × N × …; cont, T × N, 0 where a sequence begins and 1 where it goes on; optionally x_static, N × …,
    read at every step; with ``expose_hidden`` h0, 1 × N × D. Tops: y, T × N × D; with ``expose_hidden`` the last h, 1 ×
    N × D. Learned, I and S being the numbers of features of x and x_static: W_xh, D × I; b_h, D; W_xh_static, D × S,
    with that bottom; W_hh, D × D; W_ho, D × D; b_o, D.

    Without ``expose_hidden`` a forward begins with the state that the one before ended with: ``layer.state`` holds h,
    ``layer.reset()`` sets it to 0, and so does another N.

    Parameters, in ``recurrent_param``: ``num_output`` (0, so required), D; ``weight_filler`` (constant 0);
    ``bias_filler`` (constant 0); ``expose_hidden`` (false); ``debug_info`` (false) is read and makes no difference.
    Errors: ParameterError for num_output 0, or other numbers of bottoms and tops; ShapeError where shapes do not fit.

    Example::

        layer { name: "rnn1" type: "RNN" bottom: "words" bottom: "cont" top: "rnn1"
                recurrent_param { num_output: 256 weight_filler { type: "uniform" min: -0.08 max: 0.08 } } }

    Source: Caffe's RNN layer; Elman, "Finding Structure in Time", 1990.
    """

    type: ClassVar[str] = "RNN"
    needs_top: ClassVar[str] = "values"
    bottoms: ClassVar[Arity] = between(2, 4)
    tops: ClassVar[Arity] = between(1, 2)

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._hidden = Blob(dtype=self.dtype, name=f"{self.name} hidden")
        self._output = Blob(dtype=self.dtype, name=f"{self.name} output gradient")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        p, size = self.param, self.param.num_output
        self.add_param((size, size), p.weight_filler if p.HasField("weight_filler") else None)
        self.add_param((size,), p.bias_filler if p.HasField("bias_filler") else None)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._hidden.reshape_like(top[0])
        self._output.reshape_like(top[0])
        self._view = (self._steps * self._n, self._size)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        y, (w, b) = top[0].data.reshape(self._view), self.blobs[-2:]
        self.engine.inner_product_forward(self._hidden.data.reshape(self._view), w.data, b.data, y, False)
        self.engine.tanh_forward(y, y)

    def advance(self, t: int, z: Array, before: States, h: Array) -> States:
        self.engine.tanh_forward(z, h)
        return (h,)

    def retreat(self, t: int, dh: Array, after: States, dz: Array) -> None:
        self.engine.tanh_backward(self._hidden.data[t], dh, dz)

    def hidden(self, top: Blobs) -> Array:
        return self._hidden.data

    def hidden_gradient(self, top: Blobs) -> Array:
        do, h, dh = self._output.data, self._hidden.data, self._hidden.diff
        self.engine.tanh_backward(top[0].data, top[0].diff, do)
        do, h, flat = (array.reshape(self._view) for array in (do, h, dh))
        w, b = self.blobs[-2:]
        dw = w.diff if self.param_propagate_down[-2] else None
        db = b.diff if self.param_propagate_down[-1] else None
        self.engine.inner_product_backward_weights(h, do, dw, db, False)
        self.engine.inner_product_backward_data(do, w.data, flat, False)
        return dh


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [RNN]
