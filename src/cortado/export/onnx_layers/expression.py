"""Expression: its formula, operation by operation."""

from __future__ import annotations

from collections.abc import Callable

from ...layers.formula import Node
from ...plugins import hookimpl
from ..graph import LayerExport

PLAIN = {
    "+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "^": "Pow", "neg": "Neg", "abs": "Abs", "cos": "Cos", "erf": "Erf",
    "exp": "Exp", "log": "Log", "max": "Max", "min": "Min", "relu": "Relu", "sigmoid": "Sigmoid", "sign": "Sign",
    "sin": "Sin", "softplus": "Softplus", "sqrt": "Sqrt", "tanh": "Tanh", "where": "Where", "<": "Less",
    "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual", "==": "Equal",
}  # fmt: skip


def expression(export: LayerExport) -> None:
    layer = export.layer
    known = {name: export.inputs[i] for i, name in enumerate(layer.inputs)}  # type: ignore[attr-defined]
    known |= {name: export.weight(i) for i, name in enumerate(layer.scalars)}  # type: ignore[attr-defined]
    made: dict[Node, str] = {}

    def place(node: Node) -> str:
        if node not in made:
            made[node] = _place(node)
        return made[node]

    def _place(node: Node) -> str:
        if node.op == "variable":
            return known[node.name]
        if node.op == "number":
            return export.constant(node.value, "number")
        args = [place(arg) for arg in node.args]
        return export.op("Not", [export.op("Equal", args)]) if node.op == "!=" else export.op(PLAIN[node.op], args)

    export.op("Identity", [place(layer.tree)], export.outputs[0])  # type: ignore[attr-defined]


@hookimpl
def cortado_exporters() -> dict[str, Callable[[LayerExport], None]]:
    return {"Expression": expression}
