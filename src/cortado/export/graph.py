"""Graph: an ONNX graph while it is made, and what a mapping of one layer sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingExtraError
from ..layers import Array, Blob, Layer

OPSET = 17
IR_VERSION = 8


def onnx_module() -> Any:
    """The package onnx. Errors: MissingExtraError."""
    try:
        import onnx
    except ImportError:
        raise MissingExtraError.for_package("onnx", "onnx", "writing an ONNX file") from None
    return onnx


class Graph:
    """Nodes and constants, with names that are used once. ``owner`` is who they are made for; ``owners`` has that of
    every node and constant by its name."""

    def __init__(self) -> None:
        self.onnx = onnx_module()
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.owner = ""
        self.owners: dict[str, str] = {}
        self._taken: set[str] = set()

    def name(self, wish: str) -> str:
        """*wish*, or with a number where it is taken."""
        name, number = wish, 1
        while name in self._taken:
            number += 1
            name = f"{wish}__{number}"
        self._taken.add(name)
        return name

    def constant(self, value: npt.ArrayLike, name: str) -> str:
        """A constant tensor."""
        name = self.name(name)
        self.constants[name] = np.asarray(value, order="C")
        self.owners[name] = self.owner
        return name

    def node(self, op: str, inputs: Sequence[str], outputs: Sequence[str], attributes: dict[str, Any]) -> None:
        """One operator."""
        wish = f"{outputs[0]}/{op}" if outputs else op
        made = self.onnx.helper.make_node(op, list(inputs), list(outputs), name=self.name(wish), **attributes)
        self.nodes.append(made)
        self.owners[made.name] = self.owner


class LayerExport:
    """One layer on its way into an ONNX graph: what a mapping gets.

    ``layer``, with ``param`` and ``blobs``; ``bottom`` and ``top``, its blobs, whose shapes are those of the ONNX
    file; ``inputs`` and ``outputs``, the names of their tensors. In ``loose`` a mapping says, by the index of a top,
    which of its axes only the data can tell; ``loose_bottom`` is true where a bottom has such an axis. A mapping calls
    ``op`` until every output is made:

        def cube(export):
            export.op("Mul", [export.op("Mul", export.inputs * 2), export.inputs[0]], export.outputs[0])
    """

    def __init__(self, graph: Graph, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob],
                 inputs: list[str], outputs: list[str]) -> None:  # fmt: skip
        self.graph, self.layer, self.param = graph, layer, layer.param
        self.bottom, self.top, self.inputs, self.outputs = list(bottom), list(top), inputs, outputs
        self.loose: dict[int, tuple[int, ...]] = {}
        self.loose_bottom = False

    @property
    def x(self) -> str:
        """The name of the first input."""
        return self.inputs[0]

    def op(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """An operator with one output, which is *output* or a name of its own; returns that name."""
        name = output or self.graph.name(f"{self.layer.name}/{op.lower()}")
        self.graph.node(op, inputs, [name], attributes)
        return name

    def ops(self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        """An operator with several outputs."""
        self.graph.node(op, inputs, outputs, attributes)

    def constant(self, value: npt.ArrayLike, what: str = "constant") -> str:
        """A constant; floats become single precision."""
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        return self.graph.constant(array, f"{self.layer.name}/{what}")

    def integers(self, values: Sequence[int], what: str = "shape") -> str:
        """A constant list of integers, as shapes and axes are given."""
        return self.graph.constant(np.array(values, np.int64), f"{self.layer.name}/{what}")

    def weight(self, index: int, shape: Sequence[int] | None = None) -> str:
        """Learned blob *index* as a constant, in another *shape* if asked for."""
        value = self.layer.blobs[index].data
        return self.constant(value if shape is None else value.reshape(shape), f"weight{index}")

    def reshape(self, name: str, shape: Sequence[int], output: str | None = None) -> str:
        """*name* in another shape; its first axis is left open where the data tell how many rows there are."""
        if self.loose_bottom and -1 not in shape:
            shape = (-1, *shape[1:])
        return self.op("Reshape", [name, self.integers(shape)], output)

    def finish(self, name: str, index: int = 0) -> None:
        """Output *index* is *name*, in the shape of its top."""
        self.reshape(name, self.top[index].shape, self.outputs[index])

    def chain(self, op: str, others: Sequence[str], output: str | None = None) -> str:
        """A binary operator over all of *others*, from the left."""
        name = others[0]
        for number, other in enumerate(others[1:], 2):
            name = self.op(op, [name, other], output if number == len(others) else None)
        return name

    def unsupported(self, why: str) -> Exception:
        """The error for a configuration that ONNX has no words for; raise it."""
        from ..errors import NetError

        return NetError(f"there is no ONNX for this layer: {why}", where=self.layer.context.position(),
                        who=self.layer.who)  # fmt: skip
