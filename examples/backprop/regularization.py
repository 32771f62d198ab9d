"""What L1, L2, elastic net and max-norm do to the weights of a linear classifier.

python examples/backprop/regularization.py
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from linear import rows, train

RUNS = {
    "none": {"weight_decay": 0.0},
    "L2": {"weight_decay": 0.02},
    "L1": {"weight_decay": 0.005, "regularization_type": "L1"},
    "elastic net": {"weight_decay": 0.01, "regularization_type": "ElasticNet"},
    "max-norm": {"weight_decay": 0.0, "blocks": "max_norm_param { limit: 1 }"},
}
"""The fields of the solver that differ. Elastic net has half of each term."""

SMALL = 0.01


@dataclass(frozen=True)
class Outcome:
    """*weights*, 10 x 8 x 8; the share of them below 0.01, among those of pixels that are not blank in all images;
    the length of W and of its longest row; and the accuracy on the test images."""

    weights: npt.NDArray[np.float32]
    small: float
    length: float
    longest_row: float
    accuracy: float


def outcome(name: str) -> Outcome:
    """Train with the regularizer called *name* and look at the weights."""
    solver = train(**RUNS[name])  # type: ignore[arg-type]
    weights = rows(solver)
    flat = weights.reshape(10, 64)
    seen = flat[:, visible()]
    (result,) = solver.test()
    return Outcome(
        weights,
        float((np.abs(seen) < SMALL).mean()),
        float(np.linalg.norm(flat)),
        float(np.linalg.norm(flat, axis=1).max()),
        result["accuracy"],
    )


def visible() -> npt.NDArray[np.bool_]:
    """Which pixels are ever other than 0 in the training images: the others' weights stay at 0 by themselves."""
    from linear import FOLDER

    import cortado

    net = cortado.Net(FOLDER / "linear_softmax.prototxt", cortado.Phase.TRAIN, engine="reference")
    seen = np.zeros(64, bool)
    for _ in range(23):  # 23 batches of 64 are all 1,437 images
        net.forward()
        seen |= net.blobs["data"].data.reshape(-1, 64).any(axis=0)
    return seen


def main() -> None:
    print(f"{'':12} {'|w| < 0.01':>10} {'|W|':>7} {'longest row':>12} {'accuracy':>9}")
    for name in RUNS:
        found = outcome(name)
        print(f"{name:12} {found.small:10.1%} {found.length:7.2f} {found.longest_row:12.2f} {found.accuracy:9.4f}")


if __name__ == "__main__":
    main()
