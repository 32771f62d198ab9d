"""A layer that is a formula: its derivatives, shown and checked, and what it computes.

python examples/backprop/expression.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from cortado import Net, Phase
from cortado.engines import get_engine
from cortado.layers.formula import Program, derivative, parse

FOLDER = Path(__file__).parent
SWISH = "x / (1 + exp(-beta * x))"


def derivatives() -> dict[str, str]:
    """The derivatives of the layer in expression.prototxt, by name."""
    net = Net(FOLDER / "expression.prototxt", Phase.TRAIN, engine="reference")
    return {name: str(slope) for name, slope in net.layers[1].derivatives().items()}  # type: ignore[attr-defined]


def curves(formula: str, x: npt.NDArray[np.float64], beta: float) -> tuple[npt.NDArray[np.float64], ...]:
    """The formula and its derivative by x at the points *x*."""
    tree = parse(formula, ["x", "beta"])
    found = []
    for part in (tree, derivative(tree, "x")):
        out = np.empty_like(x)
        values = {"x": x, "beta": np.array(beta)}
        Program([part], ["beta"]).run(get_engine("reference"), values, x.shape, x.dtype, out=out)
        found.append(out)
    return tuple(found)


def main() -> None:
    tree = parse(SWISH, ["x", "beta"])
    print(f"y = {tree}\ndy/dx = {derivative(tree, 'x')}\ndy/dbeta = {derivative(tree, 'beta')}\n")
    for name, slope in derivatives().items():
        print(f"expression.prototxt: dy/d{name} = {slope}")


if __name__ == "__main__":
    main()
