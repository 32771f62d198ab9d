"""``cortado diagnose``."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import click

from ._options import Common, common, file

if TYPE_CHECKING:
    from ..report.diagnosis import Diagnosis


@click.command(epilog="Example: cortado diagnose examples/digits/solver.prototxt --iterations 20")
@click.argument("solver")
@click.option("--weights", type=file, help="Weight files to start from, separated by commas.")
@click.option("--iterations", type=click.IntRange(5), default=40, show_default=True, help="Of each experiment.")
@click.option("--plot", type=file, metavar="FILE", help="Draw the learning-rate sweep into this .svg or .png.")
@common
def command(
    solver: str,
    weights: str | None,
    iterations: int,
    plot: str | None,
    common: Common,
) -> None:
    """Find out why the net of a SOLVER file does not train.

    Looks at the definition, the first weights, the data, the first loss and the activations; compares learning rates,
    and trains on a single batch. Every finding says what to do. Writes no snapshot. Exit status 1 if it found anything.
    """
    from ..proto import check_writable
    from ..report.diagnosis import diagnose

    if plot and not plot.endswith((".svg", ".png")):
        raise click.UsageError(f"--plot writes .svg or .png; got '{plot}'")
    if plot:
        check_writable(plot)
    found = diagnose(solver, iterations=iterations, weights=weights, **common.arguments())
    _tell(found)
    if plot:
        _plot(found, plot)
    sys.exit(1 if found.findings else 0)


def _tell(found: Diagnosis) -> None:
    if found.first_loss is not None:
        chance = f" (by chance: {found.expected:.4g})" if found.expected is not None else ""
        click.echo(f"first loss: {found.first_loss:.4g}{chance}")
    if found.ratios:
        click.echo(f"{'parameter':24} {'weights':>10} {'gradient':>10} {'update/weight':>14}")
        for label, weight, gradient, ratio in found.ratios:
            shown = "" if math.isnan(ratio) else f"{ratio:.2e}"
            click.echo(f"{label:24} {weight:10.3g} {gradient:10.3g} {shown:>14}")
    for rate, losses in found.sweep.items():
        click.echo(f"rate {rate:<10.3g} loss {losses[0]:.4g} -> {losses[-1]:.4g} in {len(losses)} iterations")
    if found.overfit:
        click.echo(f"one batch alone: loss {found.overfit[0]:.4g} -> {found.overfit[1]:.4g}")
    click.echo("")
    for finding in found.findings:
        click.echo(f"{click.style(finding.kind, fg='yellow', bold=True)}: {finding}")
    if not found.findings:
        click.echo(click.style("nothing wrong was found", fg="green"))


def _below(losses: list[float], ceiling: float) -> list[tuple[float, float]]:
    """Points up to the first one that leaves the picture, which is put on its edge."""
    points: list[tuple[float, float]] = []
    for index, loss in enumerate(losses):
        points.append((index, loss if loss < ceiling else ceiling))
        if not loss < ceiling:
            break
    return points


def _plot(found: Diagnosis, path: str) -> None:
    from ..netdef.png import to_png
    from ..proto import atomic_write
    from ..report.chart import Line, line_chart
    from ..report.page import stack_svg

    ceiling = 1.5 * (found.first_loss or 1.0)
    lines = [
        Line(f"rate {rate:.3g}", _below(losses, ceiling), number)
        for number, (rate, losses) in enumerate(found.sweep.items())
    ]
    svg = stack_svg([line_chart("Loss by learning rate", lines)])
    atomic_write(path, to_png(svg) if path.endswith(".png") else svg)
    click.echo(f"learning rates: {path}")
