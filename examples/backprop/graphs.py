"""Every value of a small graph and its gradient: what the loss at the end gains when the value grows by 1.

python examples/backprop/graphs.py examples/backprop/line.prototxt
"""

from __future__ import annotations

import sys
from pathlib import Path

import cortado

FOLDER = Path(__file__).parent


def values_and_gradients(path: Path) -> dict[str, tuple[float, float]]:
    """For each blob of one number, in the order of the file: the number, and its gradient."""
    net = cortado.Net(path, cortado.Phase.TRAIN, engine="reference", dtype="float64")
    net.forward()
    net.backward()
    return {
        name: (float(blob.data.item()), float(blob.diff.item()))
        for name, blob in net.blobs.items()
        if "_split_" not in name
    }


def main(paths: list[str]) -> None:
    for path in paths or ["line", "two_layers", "gates", "used_twice", "sigmoid_gates", "sigmoid_node"]:
        file = Path(path) if path.endswith(".prototxt") else FOLDER / f"{path}.prototxt"
        print(f"{file.stem}\n  {'blob':8} {'value':>10} {'gradient':>10}")
        for name, (value, gradient) in values_and_gradients(file).items():
            print(f"  {name:8} {value:10.4g} {gradient:10.4g}")


if __name__ == "__main__":
    main(sys.argv[1:])
