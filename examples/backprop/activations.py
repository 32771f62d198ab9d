"""Every activation side by side with its derivative, each computed by the layer itself.

python examples/backprop/activations.py
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cortado.layers import Phase
from cortado.testing import make_layer

Array = npt.NDArray[np.float64]

LAYERS = {
    "logistic": 'type: "Sigmoid"',
    "tanh": 'type: "TanH"',
    "ReLU": 'type: "ReLU"',
    "leaky ReLU": 'type: "ReLU" relu_param { negative_slope: 0.1 }',
    "PReLU (slope learned, here 0.25)": 'type: "PReLU"',
    "randomized leaky ReLU": 'type: "RReLU"',
    "ELU": 'type: "ELU"',
    "SELU": 'type: "SELU"',
    "Softplus (BNLL)": 'type: "BNLL"',
    "Swish, β = 1": 'type: "Swish"',
    "Swish, β learned (here 3)": 'type: "LearnedSwish" learned_swish_param { filler { value: 3 } }',
    "GELU": 'type: "GELU"',
    "Maxout of two lines": 'type: "Maxout"',
    "hard sigmoid": 'type: "HardSigmoid"',
    "hard Swish": 'type: "HardSwish"',
    "Mish": 'type: "Mish"',
}
"""A title and the layer, as it stands in a prototxt."""


@dataclass(frozen=True)
class Curve:
    """An activation at the points *x*: its values and its slopes."""

    x: Array
    value: Array
    slope: Array


def curve(title: str, x: Array, phase: Phase = Phase.TEST) -> Curve:
    """Run the layer called *title* forward and backward at *x*.

    Maxout sees two channels, x and -0.4 x - 0.5, and its slope is that of the whole by x.
    """
    pieces = np.array([1.0, -0.4]) if "Maxout" in title else np.array([1.0])
    shifts = np.array([0.0, -0.5])[: len(pieces)]
    bottom = x[:, None] * pieces + shifts
    run = make_layer(LAYERS[title], [bottom], phase=phase)
    (value,) = run.forward()
    (slope,) = run.backward(np.ones_like(value))
    return Curve(x, value[:, 0], slope @ pieces)


def main() -> None:
    points = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    print(f"{'':34}" + "".join(f"{f'x = {point:g}':>18}" for point in points))
    for title in LAYERS:
        found = curve(title, points)
        cells = "".join(f"{v:9.4f} {s:8.4f}" for v, s in zip(found.value, found.slope, strict=True))
        print(f"{title:34}{cells}")


if __name__ == "__main__":
    main()
