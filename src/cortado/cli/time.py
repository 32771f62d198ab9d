"""``cortado time``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ._options import Common, common, one_of

if TYPE_CHECKING:
    from ..netdef import Net
    from ..solver.parallel import Communicator


@click.command(epilog="Example: cortado time examples/digits/net.prototxt --iterations 20")
@click.argument("model", required=False)
@click.option("--model", "-model", "model_option", help="The net file, in Caffe's spelling.")
@click.option(
    "--phase", "-phase", type=click.Choice(["TRAIN", "TEST"]), default="TRAIN", show_default=True, help="Phase."
)
@click.option(
    "--iterations", "-iterations", type=click.IntRange(1), default=50, show_default=True, help="Passes to time."
)
@common
def command(
    model: str | None,
    model_option: str | None,
    phase: str,
    iterations: int,
    common: Common,
) -> None:
    """Time every layer of MODEL, forward and backward: the median over a number of passes, in milliseconds.

    Under mpirun also what it takes to sum each bucket of gradients over all ranks.
    """
    from ..layers import Phase
    from ..netdef import Net
    from ..plugins import plugin_manager
    from ..solver.parallel import choose_communicator

    path = one_of(model, model_option, "the net file")
    communicator = choose_communicator("auto", plugin_manager())
    root = communicator.rank == 0
    net = Net(path, Phase[phase], **common.arguments(communicator.threads()))
    if root:
        click.echo(f"engine {net.engine.name} ({net.engine.isa}), phase {phase}, {iterations} passes")
    loss = net.forward()
    net.clear_param_diffs()
    net.backward()
    times = _measure(net, iterations)
    if root:
        click.echo(f"initial loss: {loss:g}")
        _print(net, *times)
    if communicator.size > 1:
        _print_buckets(net, communicator, iterations)


def _print_buckets(net: Net, communicator: Communicator, iterations: int) -> None:
    from ..solver.parallel import time_buckets

    rows = time_buckets(net, communicator, iterations)
    if communicator.rank:
        return
    width = max((len(label) for label, _, _ in rows), default=6)
    click.echo(f"\n{'bucket':{width}} {'MB':>9} {'sum ms':>9} {'MB/s':>8}   ({communicator.size} ranks)")
    for label, size, seconds in rows:
        click.echo(f"{label:{width}} {size / 1e6:9.3f} {seconds * 1e3:9.3f} {size / 1e6 / seconds:8.0f}")
    click.echo(f"Average sum over ranks: {1e3 * sum(row[2] for row in rows):.3f} ms, without overlap.")


def _measure(net: Net, iterations: int) -> tuple[list[float], list[float]]:
    """The median forward and backward time of every layer, in seconds."""
    from statistics import median

    forward: list[list[float]] = [[] for _ in net.steps]
    backward: list[list[float]] = [[] for _ in net.steps]
    for _ in range(iterations):
        for index, step in enumerate(net.steps):
            begin = time.perf_counter()
            step.forward()
            forward[index].append(time.perf_counter() - begin)
        for index in reversed(range(len(net.steps))):
            begin = time.perf_counter()
            net.steps[index].backward()
            backward[index].append(time.perf_counter() - begin)
    return [median(row) for row in forward], [median(row) for row in backward]


def _print(net: Net, forward: list[float], backward: list[float]) -> None:
    total = sum(forward) + sum(backward) or 1.0
    width = max(len(layer.name) for layer in net.layers)
    click.echo(f"{'layer':{width}}  {'type':18} {'forward ms':>11} {'backward ms':>12} {'share':>6}")
    for layer, f, b in zip(net.layers, forward, backward, strict=True):
        click.echo(f"{layer.name:{width}}  {layer.type:18} {f * 1e3:11.3f} {b * 1e3:12.3f} {(f + b) / total:6.1%}")
    click.echo(f"Average Forward pass: {sum(forward) * 1e3:.3f} ms.")
    click.echo(f"Average Backward pass: {sum(backward) * 1e3:.3f} ms.")
    click.echo(f"Average Forward-Backward: {total * 1e3:.3f} ms.")
