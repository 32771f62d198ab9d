"""``cortado test``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._kind import read_net_or_solver
from ._options import Common, common, file, file_argument, loading

if TYPE_CHECKING:
    from ..netdef import Net


@click.command(
    epilog="Example: cortado test examples/digits/solver.prototxt --weights examples/digits/digits_iter_600.caffemodel"
)
@file_argument("model", "net or solver")
@click.option("--weights", "-weights", type=file, required=True, help="Weight files, separated by commas.")
@click.option(
    "--iterations", "-iterations", type=click.IntRange(1), help="Batches to test.  [default: 50, or test_iter]"
)
@click.option("--quiet", "-q", is_flag=True, help="Only the means, not every batch.")
@loading
@common
def command(
    path: str,
    weights: str,
    iterations: int | None,
    quiet: bool,
    strict: bool,
    skip_mismatch: bool,
    common: Common,
) -> None:
    """Score trained weights: the mean of every output of MODEL over a number of batches, in phase TEST.

    MODEL is a net file, or a solver file, whose test nets and test_iter are then used.
    """
    from ..layers import Phase
    from ..netdef import Net
    from ..netdef.weights import load_all
    from ..plugins import plugin_manager
    from ..solver.plan import plan_solver

    arguments = common.arguments()
    jobs: list[tuple[Net, int]] = []
    kind, document = read_net_or_solver(path)
    if kind == "net":
        jobs.append((Net(path, Phase.TEST, **arguments), iterations or 50))
    else:
        root = Path(common.root_folder) if common.root_folder else None
        for plan in plan_solver(document.message, plugin_manager(), Path(path).parent, root=root).tests:
            arguments |= {"level": plan.state.level, "stages": plan.state.stages, "folder": plan.folder}
            jobs.append((Net(plan.document, plan.state.phase, **arguments), iterations or plan.batches))
    files = [part.strip() for part in weights.split(",") if part.strip()]
    click.echo("Use CPU.", err=True)
    for net, batches in jobs:
        for report in load_all(net, files, strict=strict, skip_mismatch=skip_mismatch):
            click.echo(str(report), err=True)
        _test(net, batches, quiet)


def _test(net: Net, batches: int, quiet: bool) -> None:
    from ..solver.metrics import scores

    if net.inputs:
        click.echo(f"note: no layer fills the input {' and '.join(net.inputs)}; the scores are those of 0", err=True)
    click.echo(f"Running for {batches} iterations.", err=True)
    totals: dict[int, float] = {}
    loss = 0.0
    rows: tuple[tuple[str, float, float], ...] = ()
    for batch in range(batches):
        loss += net.forward()
        rows = scores(net)
        for index, (name, value, _) in enumerate(rows):
            totals[index] = totals.get(index, 0.0) + value
            if not quiet:
                click.echo(f"Batch {batch}, {name} = {value:g}")
    click.echo(f"Loss: {loss / batches:g}")
    for index, (name, _, weight) in enumerate(rows):
        mean = totals[index] / batches
        click.echo(f"{name} = {mean:g}" + (f" (* {weight:g} = {weight * mean:g} loss)" if weight else ""))
