"""``cortado plot``."""

from __future__ import annotations

from pathlib import Path

import click

from ._options import file

ENDINGS = (".svg", ".html", ".png")


@click.command(epilog="Example: cortado plot train.log -o curves.svg")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option(
    "--output", "-o", type=file, default="curves.svg", show_default=True, metavar="FILE", help="A .svg, .html or .png."
)
@click.option("--series", multiple=True, metavar="NAME", help="Just these series, in one chart; may be repeated.")
@click.option("--list", "only_list", is_flag=True, help="List the series there are, with their last values.")
@click.option("--dark", is_flag=True, help="PNG: in the colours for dark pages.")
def command(logs: tuple[str, ...], output: str, series: tuple[str, ...], only_list: bool, dark: bool) -> None:
    """Plot loss, accuracy and learning rate of one run or several.

    LOG is what `cortado train --log` or any Caffe printed, or the .metrics.jsonl of `--callback jsonl`.
    """
    from ..errors import nearest
    from ..netdef.png import to_png
    from ..proto import atomic_write, check_writable
    from ..report.curves import STYLE, curves, run_charts, series_names
    from ..report.page import page, stack_svg
    from ..report.runs import read_run

    ending = Path(output).suffix.lower()
    if ending not in ENDINGS:
        raise click.UsageError(f"--output ends in {', '.join(ENDINGS)}; got '{output}'")
    if not only_list:
        check_writable(output)
    runs = [read_run(log) for log in logs]
    if only_list:
        for run in runs:
            for name in run.series:
                click.echo(f"{run.name}: {name} = {run.last(name):g} at iteration {run.series[name][-1][0]}")
        return
    for name in series:
        if name not in series_names(runs):
            raise click.UsageError(
                f"there is no series '{name}' ({nearest(name, series_names(runs)) or '--list tells which there are'})"
            )
    charts = run_charts(runs, series)
    if ending == ".html":
        atomic_write(output, page(", ".join(run.name for run in runs), curves(runs, series), STYLE))
    else:
        svg = stack_svg(charts)
        atomic_write(output, svg if ending == ".svg" else to_png(svg, dark=dark))
    click.echo(f"{output}: {len(charts)} charts of {', '.join(run.name for run in runs)}")
