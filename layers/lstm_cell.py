"""The arithmetic of one LSTM step, shared by LSTM and LSTMUnit."""

from __future__ import annotations

import numpy.typing as npt

from ..engines import ReferenceEngine
from .blob import Array, Blob


def carry(engine: ReferenceEngine, before: Array, cont: Array, fresh: Array, out: Array) -> None:
    """out = before · cont per sequence, and 0 where *fresh*, whatever was there (NaN too). [N, D]; cont, fresh: [N]."""
    engine.scale_forward(before[None], cont, None, out[None])
    engine.xp.copyto(out, 0, where=fresh[:, None])


class LSTMCell:
    """Gates and states of T steps, kept from forward to backward.

    With the carried state ``m = cont · c_prev``: ``i, f, o = sigmoid(z), g = tanh(z)``, ``c = f · m + i · g``,
    ``h = o · tanh(c)``.
    """

    def __init__(self, engine: ReferenceEngine, dtype: npt.DTypeLike, name: str) -> None:
        self._engine = engine
        self._gates = Blob(dtype=dtype, name=f"{name} gates")
        self._bent = Blob(dtype=dtype, name=f"{name} tanh of state")
        self._work = Blob(dtype=dtype, name=f"{name} work")
        self._slopes = Blob(dtype=dtype, name=f"{name} gate gradients")

    def reshape(self, steps: int, n: int, d: int) -> None:
        """Make room for *steps* steps of *n* sequences with *d* elements each."""
        self._gates.reshape(steps, 4, n, d)
        self._bent.reshape(steps, n, d)
        self._work.reshape(n, d)
        self._slopes.reshape(4, n, d)

    def forward(self, t: int, z: Array, m: Array, c: Array, h: Array) -> None:
        """Step *t*: from the gates' inputs z [N, 4D] and m [N, D] to c and h [N, D]."""
        engine, gates, bent, work = self._engine, self._gates.data[t], self._bent.data[t], self._work.data
        engine.copy(_by_gate(z, gates), gates)
        engine.sigmoid_forward(gates[:3], gates[:3])
        engine.tanh_forward(gates[3], gates[3])
        i, f, o, g = gates
        engine.multiply(f, m, c)
        engine.multiply(i, g, work)
        engine.axpy(1.0, work, c)
        engine.tanh_forward(c, bent)
        engine.multiply(o, bent, h)

    def backward(self, t: int, m: Array, dc: Array, dh: Array, dz: Array | None, dm: Array | None) -> None:
        """Step *t*: from dc and dh to dz and dm, where wanted. dm may be dc."""
        engine, bent, slopes, dt = self._engine, self._bent.data[t], self._slopes.data, self._work.data
        gates = self._gates.data[t]
        i, f, o, g = gates
        engine.multiply(dh, o, dt)
        engine.tanh_backward(bent, dt, dt)
        engine.axpy(1.0, dc, dt)
        if dz is not None:
            for slope, left, right in zip(slopes, (dt, dt, dh, dt), (g, m, bent, i), strict=True):
                engine.multiply(left, right, slope)
            engine.sigmoid_backward(gates[:3], slopes[:3], slopes[:3])
            engine.tanh_backward(g, slopes[3], slopes[3])
            engine.copy(slopes, _by_gate(dz, slopes))
        if dm is not None:
            engine.multiply(dt, f, dm)


def _by_gate(z: Array, gates: Array) -> Array:
    """z [N, 4D] as a view [4, N, D]."""
    _, n, d = gates.shape
    return z.reshape(n, 4, d).transpose(1, 0, 2)
