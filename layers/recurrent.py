"""The base of LSTM and RNN: input weights, the loop over time, and the state from step to step and batch to batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .blob import Array, Blob
from .context import LayerContext
from .layer import Blobs, Layer, product
from .lstm_cell import carry

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter

States = Sequence[Array]
"""The hidden states between two steps, each [N, D]; the first is h."""


class RecurrentLayer(Layer):
    """Reads T × N × … , N sequences in step, and writes T × N × D.

    ``state`` holds the hidden states after the latest forward, with which the next one begins, unless they come and go
    as bottoms and tops (``expose_hidden``); ``reset`` sets them to 0. A subclass says with how many states it works
    (``states``), how many rows of input weights each output has (``gates``), and implements ``advance`` and
    ``retreat``.
    """

    param_field: ClassVar[str | None] = "recurrent_param"
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)
    stateful: ClassVar[bool] = True
    states: ClassVar[int] = 1
    gates: ClassVar[int] = 1

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self.state = [Blob(dtype=self.dtype, name=f"{self.name} state {k}") for k in range(self.states)]
        self._inputs = Blob(dtype=self.dtype, name=f"{self.name} gate inputs")
        self._static_part = Blob(dtype=self.dtype, name=f"{self.name} static part")
        self._carried = Blob(dtype=self.dtype, name=f"{self.name} carried")
        self._fresh = Blob(dtype=np.bool_, name=f"{self.name} fresh")
        self._total = Blob(dtype=self.dtype, name=f"{self.name} gradient of h")
        self._exposed = bool(self.param.expose_hidden)
        self._unset = True

    def reset(self) -> None:
        """Forget: the next forward begins with hidden states of 0."""
        for blob in self.state:
            blob.data.fill(0)
        self._unset = False

    def run_state(self) -> dict[str, Any]:
        hidden = [] if self._exposed or self._unset else [blob.data.copy() for blob in self.state]
        return super().run_state() | {"hidden": hidden}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        super().restore_run_state(state)
        self._unset = not state["hidden"]
        for blob, values in zip(self.state, state["hidden"], strict=False):
            blob.reshape(values.shape)
            blob.data[...] = values

    # -- shapes -------------------------------------------------------------------------------------------------

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param
        if not p.num_output:
            self.fail("num_output must be set, and at least 1", "num_output", got=p.num_output)
        hidden = self.states if self._exposed else 0
        self._static = len(bottom) == 3 + hidden
        self._check_counts(bottom, top, hidden)
        self._check_shapes(bottom)
        self._size, self._fan_in = p.num_output, product(bottom[0].shape[2:])
        rows = self.gates * self._size
        weight_filler = p.weight_filler if p.HasField("weight_filler") else None
        bias_filler = p.bias_filler if p.HasField("bias_filler") else None
        self.add_param((rows, self._fan_in), weight_filler)
        self.add_param((rows,), bias_filler)
        if self._static:
            self.add_param((rows, product(bottom[2].shape[1:])), weight_filler)
        self.add_param((rows, self._size), weight_filler)
        self._w_hidden = len(self.blobs) - 1

    def _check_counts(self, bottom: Blobs, top: Blobs, hidden: int) -> None:
        fewest = 2 + hidden
        if not fewest <= len(bottom) <= fewest + 1:
            names = "x, cont, x_static or not" + (f", and {hidden} hidden" if hidden else "")
            self.fail(f"there must be {fewest} or {fewest + 1} bottoms ({names})", "bottom", got=len(bottom))
        if len(top) != 1 + hidden:
            hint = None if hidden else "expose_hidden: true makes the last hidden states tops"
            self.fail(f"there must be {1 + hidden} top(s)", "top", got=len(top), hint=hint)

    def _check_shapes(self, bottom: Blobs) -> None:
        x, cont = bottom[0], bottom[1]
        if x.num_axes < 3 or not x.shape[0]:
            self.fail_shape(
                "the first bottom must have the axes (steps, sequences, features, ...), with a step at least", x
            )
        steps, n = x.shape[:2]
        if cont.shape != (steps, n):
            self.fail_shape("cont, the second bottom, must have the shape (steps, sequences) of the first", x, cont)
        if self._static and (not bottom[2].num_axes or bottom[2].shape[0] != n):
            self.fail_shape(f"x_static, the third bottom, must have {n} rows, one per sequence", bottom[2])
        for blob in bottom[2 + self._static :]:
            if blob.shape != (1, n, self.param.num_output):
                self.fail_shape(f"hidden states must have the shape 1 x {n} x {self.param.num_output}", blob)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._check_shapes(bottom)
        if product(bottom[0].shape[2:]) != self._fan_in:
            self.fail_shape(f"the first bottom must keep its {self._fan_in} features", bottom[0])
        self._steps, self._n = bottom[0].shape[:2]
        steps, n, size = self._steps, self._n, self._size
        top[0].reshape(steps, n, size)
        for blob in top[1:]:
            blob.reshape(1, n, size)
        self._inputs.reshape(steps, n, self.gates * size)
        self._static_part.reshape(n, self.gates * size)
        self._carried.reshape(steps, n, size)
        self._fresh.reshape(steps, n)
        self._total.reshape(n, size)
        for blob in self.state:
            self._unset |= blob.shape != (n, size)
            blob.reshape(n, size)

    # -- what a subclass brings ---------------------------------------------------------------------------------

    def advance(self, t: int, z: Array, before: States, h: Array) -> States:
        """Step *t*: from the gate inputs z [N, rows], complete, write h [N, D]; return the states after it."""
        raise NotImplementedError

    def retreat(self, t: int, dh: Array, after: States, dz: Array) -> None:
        """Step *t* backward: from dh and the gradients of the other states after it, after[1:], write dz, and into
        after[1:] the gradients of the states before it."""
        raise NotImplementedError

    def hidden(self, top: Blobs) -> Array:
        """Where h of each step goes, [T, N, D]: the top itself."""
        return top[0].data

    def hidden_gradient(self, top: Blobs) -> Array:
        """The gradient of h of each step, [T, N, D], that comes from the top."""
        return top[0].diff

    def carry(self, t: int, before: Array, out: Array) -> None:
        """out = before · cont of step *t*, exactly 0 where a sequence begins. Both [N, D]; out may be before."""
        carry(self.engine, before, self._cont[t], self._fresh.data[t], out)

    # -- forward ------------------------------------------------------------------------------------------------

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self._cont, h, z, carried = bottom[1].data, self.hidden(top), self._inputs.data, self._carried.data
        self.engine.xp.equal(self._cont, 0, out=self._fresh.data)
        self._project(bottom, z)
        states = self._start(bottom)
        w_hidden = self.blobs[self._w_hidden].data
        for t in range(self._steps):
            self.carry(t, states[0], carried[t])
            self.engine.gemm(carried[t], w_hidden, z[t], False, True, 1.0, 1.0)
            states = self.advance(t, z[t], states, h[t])
        last = [blob.data[0] for blob in top[1:]] if self._exposed else [blob.data for blob in self.state]
        for state, out in zip(states, last, strict=True):
            self.engine.copy(state, out)

    def _start(self, bottom: Blobs) -> States:
        if self._exposed:
            return [blob.data[0] for blob in bottom[2 + self._static :]]
        if self._unset:
            self.reset()
        return [blob.data for blob in self.state]

    def _project(self, bottom: Blobs, z: Array) -> None:
        """z = W_x x + b for all steps at once, plus W_static x_static, the same at each."""
        w, b = self.blobs[0].data, self.blobs[1].data
        self.engine.inner_product_forward(_flat(bottom[0].data, 2), w, b, _flat(z, 2), False)
        if self._static:
            part = self._static_part.data
            self.engine.inner_product_forward(_flat(bottom[2].data, 1), self.blobs[2].data, None, part, False)
            self.engine.xp.add(z, part, out=z)

    # -- backward -----------------------------------------------------------------------------------------------

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy, dz, dh = self.hidden_gradient(top), self._inputs.diff, self._total.data
        after = [blob.diff for blob in self.state]
        for gradient in after:
            gradient.fill(0)
        w_hidden = self.blobs[self._w_hidden].data
        for t in reversed(range(self._steps)):
            self.engine.copy(dy[t], dh)
            self.engine.axpy(1.0, after[0], dh)
            self.retreat(t, dh, after, dz[t])
            if t:
                self.engine.gemm(dz[t], w_hidden, after[0], False, False, 1.0, 0.0)
                self.carry(t, after[0], after[0])
        self._learn(bottom, dz)
        self._pass_down(bottom, dz, propagate_down)

    def _learn(self, bottom: Blobs, dz: Array) -> None:
        """Add to the gradients of the weights that read x, x_static and the carried h."""
        wanted, rows = self.param_propagate_down, _flat(dz, 2)
        dw = self.blobs[0].diff if wanted[0] else None
        db = self.blobs[1].diff if wanted[1] else None
        self.engine.inner_product_backward_weights(_flat(bottom[0].data, 2), rows, dw, db, False)
        if self._static:
            self.engine.xp.sum(dz, axis=0, out=self._static_part.diff)
            if wanted[2]:
                x = _flat(bottom[2].data, 1)
                self.engine.inner_product_backward_weights(x, self._static_part.diff, self.blobs[2].diff, None, False)
        if wanted[self._w_hidden]:
            dw = self.blobs[self._w_hidden].diff
            self.engine.inner_product_backward_weights(_flat(self._carried.data, 2), rows, dw, None, False)

    def _pass_down(self, bottom: Blobs, dz: Array, propagate_down: Sequence[bool]) -> None:
        """The gradients of x and x_static; cont and hidden states that come in get none."""
        sources = {0: (_flat(dz, 2), 2)}
        if self._static:
            sources[2] = (self._static_part.diff, 1)
        for index, (blob, wanted) in enumerate(zip(bottom, propagate_down, strict=True)):
            if wanted and index in sources:
                gradient, axes = sources[index]
                self.engine.inner_product_backward_data(gradient, self.blobs[index].data, _flat(blob.diff, axes), False)
            elif wanted:
                blob.diff.fill(0)


def _flat(array: Array, axes: int) -> Array:
    """A matrix whose rows go over the first *axes* axes."""
    return array.reshape(product(array.shape[:axes]), product(array.shape[axes:]))
