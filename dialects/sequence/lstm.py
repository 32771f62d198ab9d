"""Lstm: a recurrent layer before BVLC had one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Arity, Array, Blob, Blobs, between, product
from ..fork_layer import ForkLayer
from ..rcnn.tables import FAST_RCNN
from ..table import Table
from .tables import CTPN


class Lstm(ForkLayer):
    """Long short-term memory: at every step of time it sees the input and what it said before.

    Forward, for t = 1 … T: ``(i, f, o, g) = W x_t + U h_(t-1) + b``, the first three through a sigmoid, g through tanh;
    ``c_t = f · c_(t-1) + i · g``; ``h_t = o · tanh(c_t)``. h_0 and c_0 are 0. With a second bottom, k_t: where it is 0,
    h_(t-1) and c_(t-1) count as 0; and h_0, c_0 are the last ones of the batch before.
    Backward through all steps; with ``clipping_threshold`` the gradients of the gates, before their sigmoids, are cut
    to ± that.

    Bottoms: T·N × any, step by step; if there is a second one T·N numbers, 0 where a sequence begins (no gradient).
    Top: T·N × H. Learned: W, 4H × I; U, 4H × H; b, 4H.

    Parameters, in ``lstm_param``: ``num_output``, H (required); ``batch_size``, N (1); ``weight_filler``,
    ``bias_filler`` (constant 0: give the weights one); ``clipping_threshold`` (0: none).
    Errors: ParameterError; ShapeError for a number of rows that N does not divide.

    Example::

        layer {
          name: "lstm" type: "Lstm" bottom: "x" top: "lstm"
          lstm_param { num_output: 128 weight_filler { type: "gaussian" std: 0.01 } clipping_threshold: 100 }
        }

    Source: CTPN's Lstm layer, after junhyukoh/caffe-lstm; Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997.
    """

    type: ClassVar[str] = "Lstm"
    param_field: ClassVar[str | None] = "lstm_param"
    tables: ClassVar[Sequence[Table]] = (FAST_RCNN, CTPN)
    bottoms: ClassVar[Arity] = between(1, 2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)
    needs_top: ClassVar[str] = "values"
    stateful: ClassVar[bool] = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.outputs, self.batch = int(self.param.num_output), int(self.param.batch_size)
        for name in ("num_output", "batch_size"):
            if getattr(self.param, name) < 1:
                self.fail(f"{name} must be at least 1", name, got=getattr(self.param, name))
        if not bottom[0].shape:
            self.fail_shape("the bottom must have rows", bottom[0])
        self.inputs = product(bottom[0].shape[1:])
        fillers = [self.param.weight_filler if self.param.HasField("weight_filler") else None] * 2
        fillers.append(self.param.bias_filler if self.param.HasField("bias_filler") else None)
        shapes = ((4 * self.outputs, self.inputs), (4 * self.outputs, self.outputs), (4 * self.outputs,))
        for shape, filler in zip(shapes, fillers, strict=True):
            self.add_param(shape, filler)
        self.gates, self.cell = Blob(dtype=self.dtype), Blob(dtype=self.dtype)
        self.first_h, self.first_c = Blob(dtype=self.dtype), Blob(dtype=self.dtype)
        for blob in (self.first_h, self.first_c):
            blob.reshape((self.batch, self.outputs))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        rows = bottom[0].shape[0]
        if rows % self.batch or product(bottom[0].shape[1:]) != self.inputs:
            rule = f"batch_size ({self.batch}) must divide the rows, each of {self.inputs} numbers"
            self.fail_shape(rule, bottom[0])
        if len(bottom) == 2 and bottom[1].count != rows:
            self.fail_shape(f"there must be one mark for each of {rows} rows", bottom[1])
        self.steps = rows // self.batch
        self.gates.reshape((self.steps, self.batch, 4 * self.outputs))
        self.cell.reshape((self.steps, self.batch, self.outputs))
        top[0].reshape((rows, self.outputs))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        w, u, b = (blob.data for blob in self.blobs)
        gates, cell, h = self.gates.data, self.cell.data, self._by_step(top[0].data)
        self.engine.inner_product_forward(
            bottom[0].data.reshape(-1, self.inputs), w, b, gates.reshape(-1, len(b)), False
        )
        before_h, before_c = self._start(bottom)
        size = self.outputs
        for t in range(self.steps):
            kept = self._kept(bottom, t)
            gates[t] += (before_h * kept) @ u.T
            gates[t, :, : 3 * size] = (1 + np.tanh(gates[t, :, : 3 * size] / 2)) / 2
            np.tanh(gates[t, :, 3 * size :], out=gates[t, :, 3 * size :])
            i, f, o, g = np.split(gates[t], 4, axis=1)
            cell[t] = f * before_c * kept + i * g
            h[t] = o * np.tanh(cell[t])
            before_h, before_c = h[t], cell[t]
        self.last = (before_h.copy(), before_c.copy())

    def _start(self, bottom: Blobs) -> tuple[Array, Array]:
        """h_0 and c_0; what a backward needs of them is kept."""
        last = getattr(self, "last", None)
        if len(bottom) == 1 or last is None:
            self.first_h.data.fill(0)
            self.first_c.data.fill(0)
        else:
            self.first_h.data[...], self.first_c.data[...] = last
        return self.first_h.data, self.first_c.data

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        w, u, _ = (blob.data for blob in self.blobs)
        gates, cell, raw = self.gates.data, self.cell.data, self.gates.diff
        h, dy = self._by_step(top[0].data), self._by_step(top[0].diff)
        dh, dc = np.zeros_like(self.first_h.data), np.zeros_like(self.first_c.data)
        du = self.blobs[1].diff if self.param_propagate_down[1] else None
        for t in reversed(range(self.steps)):
            i, f, o, g = np.split(gates[t], 4, axis=1)
            kept = self._kept(bottom, t)
            before_h = (h[t - 1] if t else self.first_h.data) * kept
            before_c = (cell[t - 1] if t else self.first_c.data) * kept
            dh = dh + dy[t]
            squashed = np.tanh(cell[t])
            dc = dc + dh * o * (1 - squashed * squashed)
            slopes = (
                dc * g * i * (1 - i),
                dc * before_c * f * (1 - f),
                dh * squashed * o * (1 - o),
                dc * i * (1 - g * g),
            )
            raw[t] = np.concatenate(slopes, 1)
            if self.param.clipping_threshold > 0:
                np.clip(raw[t], -self.param.clipping_threshold, self.param.clipping_threshold, out=raw[t])
            if du is not None:
                du += raw[t].T @ before_h
            dh, dc = (raw[t] @ u) * kept, dc * f * kept
        flat = raw.reshape(-1, 4 * self.outputs)
        rows = bottom[0].data.reshape(-1, self.inputs)
        if self.param_propagate_down[0]:
            self.blobs[0].diff[...] += flat.T @ rows
        if self.param_propagate_down[2]:
            self.blobs[2].diff[...] += flat.sum(0)
        if propagate_down[0]:
            self.engine.inner_product_backward_data(flat, w, bottom[0].diff.reshape(-1, self.inputs), False)

    def _by_step(self, array: Array) -> Array:
        return array.reshape(self.steps, self.batch, self.outputs)

    def _kept(self, bottom: Blobs, t: int) -> Array | float:
        """What the state before step t is multiplied by."""
        return 1.0 if len(bottom) == 1 else bottom[1].data.reshape(self.steps, self.batch, 1)[t]
