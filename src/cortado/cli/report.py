"""``cortado report``."""

from __future__ import annotations

from pathlib import Path

import click

from ._options import engine, make_engine, python_layers, threads


@click.command(epilog="Example: cortado report digits.metrics.jsonl -o report.html")
@click.argument("run")
@click.option("--output", "-o", default="report.html", show_default=True, metavar="FILE", help="The page to write.")
@click.option("--solver", "solver_file", metavar="FILE", help="The solver file.  [default: the one the metrics name]")
@click.option("--weights", metavar="FILE", help="Trained weights.  [default: the last snapshot the metrics name]")
@click.option("--labels", type=click.Path(exists=True), help="A file of class names, one per line.")
@engine
@threads
@python_layers
def command(
    run: str,
    output: str,
    solver_file: str | None,
    weights: str | None,
    labels: str | None,
    engine: str,
    threads: int | None,
    allow_python_layers: bool,
) -> None:
    """Make one page of a RUN, which opens without a network: curves, net, filters, confusion matrix, worst mistakes.

    RUN is the .metrics.jsonl of `cortado train --callback jsonl`, which names the solver and the weights, or a log
    (then give --solver and --weights; without them the page has only the curves).
    """
    from ..proto import atomic_write, check_writable, read_text
    from ..report.run_report import make_report
    from ..report.runs import read_run
    from ..solver import Solver

    check_writable(output)
    found = read_run(run)
    solver_file = solver_file or found.facts.get("solver")
    weights = weights or found.facts.get("weights")
    trainer = None
    if solver_file and Path(solver_file).is_file():
        trainer = Solver(solver_file, engine=make_engine(engine, threads), allow_python_layers=allow_python_layers)
    else:
        click.echo("note: no solver file, so the page has the curves only; --solver names it", err=True)
    if weights and not Path(weights).is_file():
        click.echo(f"note: the weights {weights} are not there; --weights names others", err=True)
        weights = None
    names = [line.strip() for line in read_text(labels).splitlines() if line.strip()] if labels else []
    if not all(name.isprintable() for name in names):
        raise click.UsageError(f"--labels is a text file, one class name per line; {labels} is something else")
    text = make_report(found, trainer, weights, names)
    atomic_write(output, text)
    click.echo(f"{output}: {len(text) // 1024} KiB")
