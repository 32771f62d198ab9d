"""LSTM, LSTMUnit and RNN, step by step: ONNX's own have no markers of where a sequence begins.

Without ``expose_hidden`` every run begins with states of 0, as Cortado's layer does after ``reset()``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...plugins import hookimpl
from ..graph import LayerExport


class _Steps:
    """What both have in common: the part of the gates that the inputs give, and the states that are carried."""

    def __init__(self, export: LayerExport, states: int) -> None:
        self.export = export
        self.steps, self.num, self.size = export.top[0].shape
        exposed = bool(export.param.expose_hidden)
        given = len(export.inputs) - 2 - (states if exposed else 0)
        self.static = given == 1
        self.w_hidden = 3 if self.static else 2
        rows = export.layer.blobs[0].shape[0]
        flat = export.reshape(export.x, (self.steps * self.num, -1))
        z = export.op("Gemm", [flat, export.weight(0), export.weight(1)], transB=1)
        z = export.reshape(z, (self.steps, self.num, rows))
        if self.static:
            still = export.reshape(export.inputs[2], (self.num, -1))
            z = export.op("Add", [z, export.op("Gemm", [still, export.weight(2)], transB=1)])
        self.z = _each(export, z, self.steps, (self.num, rows))
        self.cont = _each(export, export.inputs[1], self.steps, (self.num, 1))
        self.weights = export.weight(self.w_hidden)
        if exposed:
            begin = export.inputs[2 + self.static :]
            self.states = [export.reshape(name, (self.num, self.size)) for name in begin]
        else:
            zero = export.constant(np.zeros((self.num, self.size), np.float32), "zero")
            self.states = [zero] * states

    def gates(self, t: int, hidden: str) -> str:
        """z[t] with the carried hidden state in it."""
        part = self.export.op("Gemm", [self.export.op("Mul", [hidden, self.cont[t]]), self.weights], transB=1)
        return self.export.op("Add", [self.z[t], part])

    def finish(self, outputs: list[str], last: list[str]) -> None:
        shaped = [self.export.reshape(name, (1, self.num, self.size)) for name in outputs]
        self.export.op("Concat", shaped, self.export.outputs[0], axis=0)
        for index in range(1, len(self.export.outputs)):
            self.export.finish(last[index - 1], index)


def lstm(export: LayerExport) -> None:
    steps = _Steps(export, 2)
    hidden, memory = steps.states
    outputs = []
    for t in range(steps.steps):
        hidden, memory = _cell(export, steps.gates(t, hidden), export.op("Mul", [memory, steps.cont[t]]), 1)
        outputs.append(hidden)
    steps.finish(outputs, [hidden, memory])


def _cell(
    export: LayerExport, gates: str, carried: str, axis: int, outputs: Sequence[str | None] = (None, None)
) -> tuple[str, str]:
    """The hidden state and the memory (named *outputs* if asked for) from the gates in the order i, f, o, g."""
    size = export.top[0].shape[-1]
    quarters = [export.graph.name(f"{export.layer.name}/gate") for _ in range(4)]
    export.ops("Split", [gates, export.integers([size] * 4, "sizes")], quarters, axis=axis)
    into, forget, out = (export.op("Sigmoid", [name]) for name in quarters[:3])
    new = export.op("Mul", [into, export.op("Tanh", [quarters[3]])])
    memory = export.op("Add", [export.op("Mul", [forget, carried]), new], outputs[1])
    return export.op("Mul", [out, export.op("Tanh", [memory])], outputs[0]), memory


def fork_lstm(export: LayerExport) -> None:
    """Lstm of CTPN: rows are steps times sequences, with marks or without."""
    num, size = export.layer.batch, export.top[0].shape[1]  # type: ignore[attr-defined]
    count = export.top[0].shape[0] // num
    z = export.op("Gemm", [export.op("Flatten", [export.x], axis=1), export.weight(0), export.weight(2)], transB=1)
    rows = _each(export, z, count, (num, 4 * size))
    marks = _each(export, export.reshape(export.inputs[1], (count, num)), count, (num, 1)) if export.inputs[1:] else []
    weights = export.weight(1)
    hidden = memory = export.constant(np.zeros((num, size), np.float32), "zero")
    outputs = []
    for t, row in enumerate(rows):
        if marks:
            hidden, memory = (export.op("Mul", [state, marks[t]]) for state in (hidden, memory))
        gates = export.op("Add", [row, export.op("Gemm", [hidden, weights], transB=1)])
        hidden, memory = _cell(export, gates, memory, 1)
        outputs.append(hidden)
    export.op("Concat", outputs, export.outputs[0], axis=0)


def _each(export: LayerExport, name: str, steps: int, shape: tuple[int, ...]) -> list[str]:
    """One tensor per step."""
    if steps == 1:
        return [export.reshape(name, shape)]
    parts = [export.graph.name(f"{export.layer.name}/step") for _ in range(steps)]
    export.ops("Split", [name], parts, axis=0)
    return [export.reshape(part, shape) for part in parts]


def lstm_unit(export: LayerExport) -> None:
    marks = export.op("Unsqueeze", [export.inputs[2], export.integers([2], "axes")])
    carried = export.op("Mul", [export.inputs[0], marks])
    _cell(export, export.inputs[1], carried, 2, (export.outputs[1], export.outputs[0]))


def rnn(export: LayerExport) -> None:
    steps = _Steps(export, 1)
    (hidden,) = steps.states
    outputs = []
    weights, offset = export.weight(steps.w_hidden + 1), export.weight(steps.w_hidden + 2)
    for t in range(steps.steps):
        hidden = export.op("Tanh", [steps.gates(t, hidden)])
        outputs.append(export.op("Tanh", [export.op("Gemm", [hidden, weights, offset], transB=1)]))
    steps.finish(outputs, [hidden])


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {"LSTM": lstm, "LSTMUnit": lstm_unit, "Lstm": fork_lstm, "RNN": rnn}
