"""Sigmoid as one node, and as four: the same slope near 0, but only one of them survives far out.

python examples/backprop/sigmoid.py
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from cortado import Net, Phase
from cortado.plugins import plugin_manager
from cortado.proto import parse_text

HEAD = 'force_backward: true layer { name: "z" type: "Input" top: "z" input_param { shape { dim: %d } } } '
ONE = 'layer { name: "f" type: "Sigmoid" bottom: "z" top: "f" loss_weight: 1 }'
FOUR = """
layer { name: "negative" type: "Power" bottom: "z" top: "-z" power_param { scale: -1 } }
layer { name: "exp" type: "Exp" bottom: "-z" top: "exp" }
layer { name: "plus_one" type: "Power" bottom: "exp" top: "1+exp" power_param { shift: 1 } }
layer { name: "reciprocal" type: "Power" bottom: "1+exp" top: "f" power_param { power: -1 } loss_weight: 1 }
"""

Array = npt.NDArray[np.float32]


def values_and_slopes(layers: str, z: npt.ArrayLike) -> tuple[Array, Array]:
    """What *layers* make of the numbers *z* in single precision, and the slope at each."""
    values = np.asarray(z, np.float32)
    text = HEAD % len(values) + layers
    document = parse_text(text, plugin_manager().schema().message("NetParameter"), "sigmoid")
    net = Net(document, Phase.TRAIN, engine="reference")
    net.blobs["z"].data[...] = values
    net.forward()
    net.backward()
    return net.blobs["f"].data.copy(), net.blobs["z"].diff.copy()


def main() -> None:
    warnings.simplefilter("ignore", RuntimeWarning)
    z = [-100, -30, -1, 0, 1, 30, 100]
    one, four = values_and_slopes(ONE, z), values_and_slopes(FOUR, z)
    print(f"{'z':>6} {'one node':>12} {'slope':>12} {'four nodes':>12} {'slope':>12}")
    for row in zip(z, *one, *four, strict=True):
        print(f"{row[0]:6} " + " ".join(f"{value:12.4g}" for value in row[1:]))


if __name__ == "__main__":
    main()
