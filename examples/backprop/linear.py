"""A linear classifier of digits: what its first loss must be, and what the rows of its weights look like.

python examples/backprop/linear.py
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import cortado
from cortado.plugins import plugin_manager
from cortado.proto import parse_text

FOLDER = Path(__file__).parent
CLASSES = 10


def first_loss(net: str) -> float:
    """The loss of the first batch, all weights being 0."""
    made = cortado.Net(FOLDER / net, cortado.Phase.TRAIN, engine="reference", seed=1)
    return made.forward()


def train(net: str = "linear_softmax.prototxt", blocks: str = "", **fields: Any) -> cortado.Solver:
    """The solver after training, with *blocks* added to the solver file and *fields* of it overridden."""
    text = (FOLDER / "linear_solver.prototxt").read_text(encoding="utf-8") + blocks
    param = parse_text(text, plugin_manager().schema().message("SolverParameter"), "linear_solver.prototxt")
    solver = cortado.Solver(param, engine="reference", fields={"net": str(FOLDER / net), **fields})
    solver.step(solver.param.max_iter)
    return solver


def rows(solver: cortado.Solver) -> npt.NDArray[np.float32]:
    """The rows of W as images: 10 of 8 x 8."""
    return solver.net.params["scores"][0].data.reshape(CLASSES, 8, 8).copy()


def main() -> None:
    print(f"first loss: softmax {first_loss('linear_softmax.prototxt'):.6f}, log C = {math.log(CLASSES):.6f}")
    print(f"            hinge   {first_loss('linear_hinge.prototxt'):.6f}, (C - 1) margin = {CLASSES - 1}")
    for net in ("linear_softmax.prototxt", "linear_hinge.prototxt"):
        rate = 0.1 if "softmax" in net else 0.02
        solver = train(net, base_lr=rate)
        (result,) = solver.test()
        print(f"{net}: accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f}")


if __name__ == "__main__":
    main()
