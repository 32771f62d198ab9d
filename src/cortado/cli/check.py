"""``cortado check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ._net_options import shapes as shapes_option, shapes_of
from ._options import level, stage_list, stages

if TYPE_CHECKING:
    from ..netdef.check import CheckReport


@click.command(epilog="Example: cortado check examples/digits/net.prototxt examples/digits/solver.prototxt")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--phase", type=click.Choice(["TRAIN", "TEST"]), help="Only this phase.  [default: both]")
@shapes_option
@click.option("--quiet", "-q", is_flag=True, help="Only the problems.")
@level
@stages
def command(
    files: tuple[str, ...],
    phase: str | None,
    shapes: tuple[str, ...],
    quiet: bool,
    level: int | None,
    stage: tuple[str, ...],
) -> None:
    """Find what would fail in net and solver FILEs, without data and without building anything.

    Syntax, unknown fields and layer types, wiring, parameters, and every shape that does not depend on data. Exit
    status 0 when all is well, 1 otherwise.
    """
    from ..errors import nearest
    from ..layers import Phase
    from ..solver.check import check_net_or_solver

    phases = [Phase[phase]] if phase else [Phase.TRAIN, Phase.TEST]
    given = shapes_of(shapes)
    bad, blobs = 0, set[str]()
    for file in files:
        report = check_net_or_solver(file, phases=phases, level=level, stages=stage_list(stage), shapes=given)
        bad += not report.ok
        blobs.update(*(found.blobs for found in report.states))
        for problem in report.problems:
            click.echo(f"{click.style('error:', fg='red', bold=True)} {problem}")
        if report.ok and not quiet:
            _tell(report)
    for name in () if bad else set(given) - blobs:
        hint = f" ({close})" if (close := nearest(name, blobs)) else ""
        raise click.UsageError(f"there is no blob '{name}' to give a shape to{hint}")
    if len(files) > 1 and not quiet:
        click.echo(f"{len(files) - bad} of {len(files)} files are well")
    sys.exit(1 if bad else 0)


def _tell(report: CheckReport) -> None:
    parts = []
    for found in report.states:
        if found.note:
            parts.append(f"{found.state.phase.name} not checked ({found.note})")
            continue
        unchecked = f", {len(found.unchecked)} without known shapes" if found.unchecked else ""
        parts.append(f"{found.state.phase.name} {found.layers} layers, {found.parameters:,} parameters{unchecked}")
    click.echo(f"{click.style('ok', fg='green')} {report.file}: {'; '.join(parts)}")
    for note in report.notes:
        click.echo(f"  note: {note}")
