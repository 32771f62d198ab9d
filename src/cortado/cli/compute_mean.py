"""``cortado compute-mean``."""

from __future__ import annotations

from pathlib import Path

import click

from ._data import CaffeCommand, progress


@click.command(cls=CaffeCommand, epilog="Example: cortado compute-mean train_lmdb mean.binaryproto")
@click.argument("database", metavar="DB")
@click.argument("output", required=False)
@click.option("--backend", help="The kind of database.  [default: what DB is]")
def command(database: str, output: str | None, backend: str | None) -> None:
    """The mean of all records of DB, written to OUTPUT (.binaryproto) as `mean_file` wants it.

    The mean of each channel, for `mean_value`, is printed. All records must have one size.
    """
    if output is not None and Path(output).suffix.lower() in (".npy", ".npz", ".h5"):
        raise click.UsageError(f"OUTPUT is a .binaryproto file; got '{output}'")
    from ..data import compute_mean, open_source, write_mean
    from ..data.sources import detect_backend
    from ..proto import check_writable

    if output is not None:
        check_writable(output)
    source = open_source((backend or detect_backend(Path(database))).upper(), database)
    source.first()
    mean, count = compute_mean(progress(source.records(), "records", len(source)))
    if output is not None:
        write_mean(output, mean)
    click.echo(f"{count} records of {'x'.join(map(str, mean.shape))}")
    for channel, value in enumerate(mean.astype("float64").mean(axis=(1, 2))):
        click.echo(f"mean_value channel [{channel}]: {value:.6g}")
    if output is not None:
        click.echo(f"mean in {output}")
