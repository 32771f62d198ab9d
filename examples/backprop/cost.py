"""What all derivatives of a chain of n layers with p parameters cost: by backpropagation, and one at a time.

Steps are counted, not timed: a call of a layer's forward or backward is one, and so is writing a parameter's gradient.

    python examples/backprop/cost.py
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import cortado
from cortado.plugins import plugin_manager
from cortado.proto import parse_text

LAYER = 'layer {{ name: "scale{0}" type: "Scale" bottom: "x{1}" top: "x{0}" scale_param {{ bias_term: true }} }}'


@dataclass(frozen=True)
class Cost:
    """*layers* n, *parameters* p, and the steps of three ways to all p derivatives; *error*, how far they differ."""

    layers: int
    parameters: int
    backpropagation: int
    paths: int
    nudges: int
    error: float


def chain(layers: int) -> cortado.Net:
    """n layers ``x_i = s_i · x_(i-1) + b_i`` of one number each, so p = 2 n."""
    rows = ['layer { name: "data" type: "Input" top: "x0" input_param { shape { dim: 1 dim: 1 } } }']
    rows += [LAYER.format(i, i - 1) for i in range(1, layers + 1)]
    rows[-1] = rows[-1][:-1] + " loss_weight: 1 }"
    document = parse_text("\n".join(rows), plugin_manager().schema().message("NetParameter"), "chain")
    net = cortado.Net(document, cortado.Phase.TRAIN, engine="reference", dtype="float64", seed=0)
    rng = np.random.default_rng(layers)
    net.blobs["x0"].data[...] = 1
    for parameter in net.learnable:
        parameter.blob.data[...] = rng.uniform(0.8, 1.2)
    return net


def measure(layers: int) -> Cost:
    """Count the steps of all three ways on a chain of *layers*."""
    net = chain(layers)
    forward, backward = [0], [0]
    net.before_forward.append(forward.append)
    net.before_backward.append(backward.append)
    net.forward()

    net.clear_param_diffs()
    backward.clear()
    net.backward()
    visited = sum(net.steps[index].runs_backward for index in backward)
    gradients = [float(p.blob.diff.item()) for p in net.learnable]
    whole = visited + len(gradients)

    # one path at a time: from the end down to the layer of the parameter, and the last step to the parameter
    paths = 0
    for number, parameter in enumerate(net.learnable):
        backward.clear()
        net.clear_param_diffs()
        net.backward(end=net.layers.index(parameter.layer))
        paths += len(backward) + 1
        assert_equal(float(parameter.blob.diff.item()), gradients[number])

    # nudging: a whole forward for every parameter, which is moved a little
    forward.clear()
    differences = []
    for parameter in net.learnable:
        parameter.blob.data += 1e-6
        above = net.forward(1)
        parameter.blob.data -= 1e-6
        differences.append(above)
    nudges = len(forward)
    base = net.forward()
    slopes = [(above - base) / 1e-6 for above in differences]
    error = max(abs(a - b) / max(1, abs(b)) for a, b in zip(slopes, gradients, strict=True))
    return Cost(layers, len(gradients), whole, paths, nudges, error)


def assert_equal(one: float, other: float) -> None:
    if one != other:
        raise ValueError(f"both ways must give the same gradient; got {one} and {other}")


def main() -> None:
    print(f"{'layers n':>8} {'parameters p':>12} {'n + p':>8} {'path by path':>13} {'nudging, n p':>13}")
    for layers in (2, 4, 8, 16, 32, 64):
        cost = measure(layers)
        print(f"{cost.layers:8} {cost.parameters:12} {cost.backpropagation:8} {cost.paths:13} {cost.nudges:13}")


if __name__ == "__main__":
    main()
