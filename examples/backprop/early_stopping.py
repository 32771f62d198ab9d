"""Train until the loss on images that were not trained on stops falling, and keep the weights that were best.

python examples/backprop/early_stopping.py
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import cortado
from cortado.plugins import plugin_manager
from cortado.proto import parse_text
from cortado.solver import Callback
from cortado.solver.callbacks.early_stopping import EarlyStopping

FOLDER = Path(__file__).parent
IMAGES, WRONG = 100, 10
"""How many images are trained on, and how many of them get a wrong label, as in real life."""


@dataclass
class Run:
    """(iteration, loss) of training and of validation; the best iteration and its loss; accuracies of the best and
    of the last weights; and whether the run ended by itself."""

    training: list[tuple[int, float]]
    validation: list[tuple[int, float]]
    best: tuple[int, float]
    accuracies: tuple[float, float]
    stopped: bool


def digits(phase: cortado.Phase, batches: int) -> tuple[Any, Any]:
    """Images and labels of the digits example."""
    net = cortado.Net(FOLDER / "linear_softmax.prototxt", phase, engine="reference")
    images, labels = [], []
    for _ in range(batches):
        net.forward(0, 0)
        images.append(net.blobs["data"].data.copy())
        labels.append(net.blobs["label"].data.copy())
    return np.concatenate(images), np.concatenate(labels)


def make(blocks: str = "", **fields: Any) -> cortado.Solver:
    """The solver of overfit_solver.prototxt with its images, *blocks* added to the file and *fields* overridden."""
    text = (FOLDER / "overfit_solver.prototxt").read_text(encoding="utf-8") + blocks
    param = parse_text(text, plugin_manager().schema().message("SolverParameter"), "overfit_solver.prototxt")
    chosen = {"net": str(FOLDER / "overfit.prototxt"), **fields}
    solver = cortado.Solver(param, engine="reference", fields=chosen)
    images, labels = digits(cortado.Phase.TRAIN, 2)
    rng = np.random.default_rng(0)
    labels[:WRONG] = (labels[:WRONG] + rng.integers(1, 10, WRONG)) % 10
    solver.net.layers[0].reset(images[:IMAGES], labels[:IMAGES])  # type: ignore[attr-defined]
    solver.test_nets[0].layers[0].reset(*digits(cortado.Phase.TEST, 6))  # type: ignore[attr-defined]
    return solver


def run(folder: Path) -> Run:
    """Train to the end that early stopping finds; snapshots go to *folder*."""
    solver = make(snapshot_prefix=str(folder / "overfit"))
    (stopper,) = (callback for callback in solver.callbacks if isinstance(callback, EarlyStopping))
    validation: list[tuple[int, float]] = []

    class Note(Callback):
        def on_test(self, solver: cortado.Solver, result: Any) -> None:
            validation.append((result.iteration, result.loss))

    solver.callbacks.append(Note())
    training = [(metrics.iteration, metrics.loss) for metrics in solver.train()]
    stopped, seen = solver.stopped, list(validation)
    if stopper.watch is None or stopper.best_weights is None:
        raise ValueError("the run ended before its first test")
    last = solver.test()[0]["accuracy"]
    solver.net.load(stopper.best_weights)
    best = solver.test()[0]["accuracy"]
    return Run(training, seen, (stopper.best_iteration, stopper.watch.best), (best, last), stopped)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder))
    (iteration, loss), (best, last) = found.best, found.accuracies
    print(f"best validation loss {loss:.4f} at iteration {iteration}, accuracy {best:.4f}")
    end = "by itself" if found.stopped else "at max_iter"
    print(f"ended {end} after {len(found.training)} iterations: training loss {found.training[-1][1]:.4f},")
    print(f"validation loss {found.validation[-1][1]:.4f}, accuracy {last:.4f}")


if __name__ == "__main__":
    main()
