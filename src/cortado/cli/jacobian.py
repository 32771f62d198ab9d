"""``cortado jacobian``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ._net_options import give_weights
from ._options import file, python_layers, seed_of

if TYPE_CHECKING:
    import numpy as np

    from ..layers import Array
    from ..netdef import Net

TOLERANCE = 1e-5


@click.command(epilog="Example: cortado jacobian examples/backprop/softmax.prototxt prob")
@click.argument("net")
@click.argument("layer")
@click.option("--bottom", type=click.IntRange(0), default=0, show_default=True, help="The bottom to differentiate by.")
@click.option("--param", type=click.IntRange(0), help="A learned blob to differentiate by, instead of a bottom.")
@click.option("--top", type=click.IntRange(0), default=0, show_default=True, help="The top to differentiate.")
@click.option("--items", type=click.IntRange(1), help="Take only so many items of the batch.")
@click.option("--weights", type=file, help="Weight files, separated by commas.")
@click.option("--phase", type=click.Choice(["TRAIN", "TEST"]), default="TEST", show_default=True, help="Phase.")
@seed_of("weights and of inputs that the net leaves open")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="The largest number of elements to work out.",
)
@python_layers
def command(
    net: str,
    layer: str,
    bottom: int,
    param: int | None,
    top: int,
    items: int | None,
    weights: str | None,
    phase: str,
    seed: int,
    limit: int,
    allow_python_layers: bool,
) -> None:
    """Print the full Jacobian of a small LAYER of NET, worked out twice and compared.

    Once by reverse mode, a row per run of backward; once by forward mode, a column per two runs of forward. A row is
    an element of the top, a column one of the bottom or learned blob. Inputs of the net are drawn from a normal
    distribution, labels are 0. Everything is in float64. Exit status 1 where the two disagree.
    """
    from ..layers import Phase
    from ..netdef import Net
    from ..netdef.jacobian import jacobians

    made = Net(net, Phase[phase], weights=weights, engine="reference", dtype="float64", seed=seed,
               allow_python_layers=allow_python_layers)  # fmt: skip
    index = made.layer_index(layer)
    if not weights:
        give_weights(made, seed)
    step = made.steps[index]
    inputs = _inputs_of(made, index, seed, items)
    rows = sum(blob.count for blob in step.top[top : top + 1])
    columns = inputs[bottom].size if param is None and bottom < len(inputs) else 0
    if param is not None and param < len(step.layer.blobs):
        columns = step.layer.blobs[param].count
    if items is None and rows * columns > limit:
        raise click.UsageError(f"the Jacobian has {rows} x {columns} elements, above --limit {limit}; try --items 1")
    found = jacobians(step.layer, inputs, bottom=bottom, param=param, top=top)
    by = f"learned blob {param}" if param is not None else f"bottom {bottom} '{step.bottom[bottom].name}'"
    matrix = found.reverse
    click.echo(f"{step.layer.type} '{layer}': top {top} by {by}, {matrix.shape[0]} x {matrix.shape[1]}")
    click.echo(_table(matrix))
    click.echo(f"{_share(matrix):.0%} of it are 0; largest difference of reverse and forward mode: {found.error:.1e}")
    sys.exit(int(not found.error < TOLERANCE))


def _inputs_of(net: Net, index: int, seed: int, items: int | None) -> list[Array]:
    """What the layer's bottoms hold when its turn comes."""
    import numpy as np

    rng = np.random.default_rng(seed)
    labels = _label_blobs(net)
    for name in net.inputs:
        blob = net.blobs[name]
        blob.data[...] = 0 if id(blob) in labels else rng.normal(size=blob.shape)
    if index:
        net.forward(0, index - 1)
    return [blob.data[:items].copy() if blob.num_axes else blob.data.copy() for blob in net.steps[index].bottom]


def _label_blobs(net: Net) -> set[int]:
    """The blobs that a layer reads as labels or indices, at any distance behind splits."""
    found: set[int] = set()
    for step in reversed(net.steps):
        for index, blob in enumerate(step.bottom):
            behind = step.layer.type == "Split" and any(id(top) in found for top in step.top)
            if behind or not step.layer.takes_gradient(index, len(step.bottom)):
                found.add(id(blob))
    return found


def _share(matrix: np.ndarray[Any, Any]) -> float:
    return float((matrix == 0).mean()) if matrix.size else 0.0


def _table(matrix: np.ndarray[Any, Any]) -> str:
    """All of the matrix, right-aligned, four digits behind the point."""
    cells = [[f"{value:.4f}" if value else "0" for value in row] for row in matrix.tolist()]
    width = max((len(cell) for row in cells for cell in row), default=1)
    return "\n".join("  ".join(cell.rjust(width) for cell in row) for row in cells)
