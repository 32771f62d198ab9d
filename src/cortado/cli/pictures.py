"""``cortado pictures``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._images import Viewing, viewing
from ._options import file, stage_list

if TYPE_CHECKING:
    from ..netdef import Net
    from ..report.anatomy import Picture

MOST_BLOBS = 40


@click.command(epilog="Example: cortado pictures deploy.prototxt digits.caffemodel images/a.png")
@click.argument("net")
@click.argument("weights", type=file)
@click.argument("image", type=file, required=False)
@click.option(
    "--output",
    "-o",
    type=file,
    default="pictures.html",
    show_default=True,
    metavar="FILE.html|DIR",
    help="A page, or a folder for .png and .svg files.",
)
@click.option(
    "--filters", "layers", multiple=True, metavar="LAYER", help="Whose filters; may be repeated.  [default: the first]"
)
@click.option(
    "--activations", "blobs", multiple=True, metavar="BLOB", help="Which activations; may be repeated.  [default: all]"
)
@click.option(
    "--record", type=click.IntRange(0), default=0, show_default=True, help="Which record of the batch, without IMAGE."
)
@viewing
def command(
    net: str,
    weights: str,
    image: str | None,
    output: str,
    layers: tuple[str, ...],
    blobs: tuple[str, ...],
    record: int,
    viewing: Viewing,
) -> None:
    """Show a trained NET in pictures: its filters, what its layers make of an IMAGE, and where its weights lie.

    Without IMAGE a net with data layers reads one batch, and a deploy net is shown without activations. A folder gets
    one file per picture.
    """
    from ..report import anatomy

    _check_output(output)
    if image:
        viewer = viewing.viewer(net, weights)
        viewer.show(image)
        made = viewer.net
    else:
        made = viewing.net(net, weights, level=viewing.level, stages=stage_list(viewing.stage))
    runs = bool(image) or not made.inputs
    if blobs and not runs:
        raise click.UsageError("activations need something to look at; give an IMAGE, or a net with data layers")
    if record:
        _check_record(record, made, image is None and runs)
    sections = {"Filters": anatomy.filters(made, layers)}
    if runs:
        made.forward()
        seen = anatomy.image(made, record)
        sections["Activations"] = ([seen] if seen else []) + _limited(anatomy.activations(made, blobs, record))
    sections["Weights"] = anatomy.histograms(made)
    _write(made, {title: found for title, found in sections.items() if found}, output)


def _check_record(record: int, net: Net, batch: bool) -> None:
    tops = [blob for step in net.steps if not step.bottom for blob in step.top if blob.num_axes]
    most = max((blob.shape[0] for blob in tops), default=0) if batch else 0
    if record >= most:
        what = f"it has {most} records" if most else "there is none"
        raise click.UsageError(f"--record counts from 0 in the batch of a data layer; {what}")


def _limited(found: list[Picture]) -> list[Picture]:
    if len(found) > MOST_BLOBS:
        rest = len(found) - MOST_BLOBS
        click.echo(f"note: the first {MOST_BLOBS} blobs; {rest} more by their names: --activations BLOB", err=True)
    return found[:MOST_BLOBS]


def _is_page(output: str) -> bool:
    return Path(output).suffix.lower() in (".html", ".htm")


def _check_output(output: str) -> None:
    """See that *output* can be written. Errors: FileError; click.UsageError for what is neither a page nor a folder."""
    from ..proto import check_writable
    from ..proto.files import named

    folder = Path(output)
    if _is_page(output):
        check_writable(output)
        return
    if folder.suffix or os.path.isfile(folder):
        raise click.UsageError(f"--output is a .html file or a folder; got '{output}'")
    with named("make", folder, "folder"):
        folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder / "picture.svg")


def _write(net: Net, sections: dict[str, list[Picture]], output: str) -> None:
    from ..proto import atomic_write
    from ..report.anatomy import FIGURES, figures
    from ..report.page import page, stack_svg
    from ..report.pictures import png

    told = ", ".join(f"{len(found)} {title.lower()}" for title, found in sections.items())
    if _is_page(output):
        body = "".join(f"<section><h2>{title}</h2>{figures(found)}</section>" for title, found in sections.items())
        atomic_write(output, page(f"Net {net.name}" if net.name else "A net in pictures", body, FIGURES))
        click.echo(f"{output}: {told}")
        return
    folder = Path(output)
    for one in (one for found in sections.values() for one in found):
        atomic_write(folder / one.file, stack_svg([one.svg]) if one.pixels is None else png(one.pixels))
    click.echo(f"{folder}: {told}")
