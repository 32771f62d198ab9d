"""``cortado time``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ._options import Common, common, file_argument

if TYPE_CHECKING:
    from ..netdef import Net
    from ..solver.parallel import Communicator

Bucket = tuple[str, int, float]


@click.command(epilog="Example: cortado time examples/digits/net.prototxt --iterations 20")
@file_argument("model", "net")
@click.option(
    "--phase", "-phase", type=click.Choice(["TRAIN", "TEST"]), default="TRAIN", show_default=True, help="Phase."
)
@click.option(
    "--iterations", "-iterations", type=click.IntRange(1), default=50, show_default=True, help="Passes to time."
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@common
def command(
    path: str,
    phase: str,
    iterations: int,
    as_json: bool,
    common: Common,
) -> None:
    """Time every layer of MODEL, forward and backward: the median over a number of passes, in milliseconds.

    Beside it stand the operations per second and their share of the peak that was measured at the start, what bounds
    the layer (its operations, or the bytes that it moves), and how many times that least time it takes. Below 1 a layer
    does fewer operations than its definition has, or its numbers stayed in a cache.

    Under mpirun also what it takes to sum each bucket of gradients over all ranks.
    """
    from ..engines.limits import measure_limits
    from ..layers import Phase
    from ..netdef import Net
    from ..netdef.timing import time_layers
    from ..plugins import plugin_manager
    from ..solver.parallel import choose_communicator
    from ._time_report import Run, as_text, to_json

    communicator = choose_communicator("auto", plugin_manager())
    net = Net(path, Phase[phase], **common.arguments(communicator.threads()))
    limits = measure_limits(net.engine)
    loss = net.forward()
    net.clear_param_diffs()
    net.backward()
    run = Run(net.name, net.engine, phase, iterations, limits, loss, time_layers(net, iterations, limits))
    if communicator.size > 1:
        run.buckets, run.ranks = _buckets(net, communicator, iterations), communicator.size
    if not communicator.rank:
        click.echo(to_json(run) if as_json else as_text(run))


def _buckets(net: Net, communicator: Communicator, iterations: int) -> list[Bucket]:
    from ..solver.parallel import time_buckets

    return time_buckets(net, communicator, iterations)
