"""``cortado draw``."""

from __future__ import annotations

from pathlib import Path

import click

from ._net_options import looking, phase_of, shapes_of
from ._options import file, stage_list

ENDINGS = (".svg", ".html", ".png")


@click.command(epilog="Example: cortado draw examples/digits/net.prototxt -o digits.svg")
@click.argument("net")
@click.option(
    "--output", "-o", type=file, metavar="FILE", help="A .svg, .html or .png.  [default: NET with .svg, here]"
)
@click.option("--dark", is_flag=True, help="PNG: in the colours for dark pages. SVG and HTML follow the reader's.")
@looking
def command(
    net: str,
    output: str | None,
    dark: bool,
    phase: str | None,
    shapes: tuple[str, ...],
    level: int | None,
    stage: tuple[str, ...],
) -> None:
    """Draw NET: a box per layer, layers that run in place in the box of their blob, shapes on the edges.

    SVG and HTML need nothing else (in the HTML page one can zoom, move and search); PNG needs the extra `draw`.
    """
    from ..netdef.draw import draw_html, draw_png, draw_svg
    from ..netdef.summary import summarize
    from ..proto import atomic_write, check_writable

    path = output or f"{Path(net).stem}.svg"
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise click.UsageError(f"--output ends in {', '.join(ENDINGS)}; got '{path}'")
    check_writable(path)
    found = summarize(net, phase_of(phase), level=level, stages=stage_list(stage), shapes=shapes_of(shapes))
    if ending == ".png":
        draw_png(found, path, dark=dark)
    else:
        atomic_write(path, draw_html(found) if ending == ".html" else draw_svg(found))
    click.echo(f"{path}: {len(found.layers)} layers")
