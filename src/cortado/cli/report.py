"""``cortado report``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ._options import engine, file, make_engine, python_layers, read_labels, threads


@click.command(epilog="Example: cortado report digits.metrics.jsonl -o report.html")
@click.argument("run", type=file)
@click.option(
    "--output", "-o", type=file, default="report.html", show_default=True, metavar="FILE", help="The page to write."
)
@click.option(
    *("--solver", "solver_file"),
    type=file,
    metavar="FILE",
    help="The solver file.  [default: the one the metrics name]",
)
@click.option(
    *("--weights", "weights"),
    type=file,
    metavar="FILE",
    help="Trained weights.  [default: the last snapshot the metrics name]",
)
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
    from ..proto import atomic_write, check_writable
    from ..report.run_report import make_report
    from ..report.runs import read_run
    from ..solver import Solver

    if Path(output).suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"--output ends in .html; got '{output}'")
    names = read_labels(labels)
    check_writable(output)
    found = read_run(run)
    trainer = None
    if not solver_file:
        solver_file = _there(found.facts.get("solver"))
    if solver_file:
        trainer = Solver(solver_file, engine=make_engine(engine, threads), allow_python_layers=allow_python_layers)
    else:
        click.echo("note: no solver file, so the page has the curves only; --solver names it", err=True)
    if not weights:
        told = found.facts.get("weights")
        weights = _there(told)
        if told and not weights:
            click.echo(f"note: the weights {told} are not there; --weights names others", err=True)
    text = make_report(found, trainer, weights, names)
    atomic_write(output, text)
    click.echo(f"{output}: {len(text) // 1024} KiB")


def _there(path: Any) -> str | None:
    """The *path* that a run tells of, if a file is there."""
    return path if isinstance(path, str) and os.path.isfile(path) else None
