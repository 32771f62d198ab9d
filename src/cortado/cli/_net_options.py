"""Options of the commands that look at a net without running it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ._options import level, stages

if TYPE_CHECKING:
    from ..layers import Phase, Shape
    from ..netdef import Net

F = TypeVar("F", bound=Callable[..., Any])

phase = click.option(
    "--phase",
    type=click.Choice(["TRAIN", "TEST"]),
    help="Phase of the net.  [default: TEST, or TRAIN where TEST has no data]",
)
shapes = click.option(
    "--shape", "shapes", multiple=True, metavar="BLOB=NxCxHxW", help="Shape of a blob that only data could tell."
)


def looking(function: F) -> F:
    """--phase, --shape, --level, --stage."""
    for option in (stages, level, shapes, phase):
        function = option(function)
    return function


def give_weights(net: Net, seed: int) -> None:
    """Draw weights for a net whose weights are all 0, as those of a deploy net are, and say so."""
    from ..testing import draw_weights

    blobs = [blob for layer in net.layers for blob in layer.blobs]
    if blobs and not any(blob.data.any() for blob in blobs):
        draw_weights(net, seed)
        click.echo("note: the net has no fillers and no --weights; its weights are drawn at random", err=True)


def phase_of(name: str | None) -> Phase | None:
    from ..layers import Phase

    return Phase[name] if name else None


def shapes_of(texts: tuple[str, ...]) -> dict[str, Shape]:
    """``--shape`` options as shapes by blob name. Errors: click.UsageError."""
    return dict(_shape(text) for text in texts)


def _shape(text: str) -> tuple[str, Shape]:
    name, equals, sizes = text.partition("=")
    try:
        if equals:
            shape = tuple(int(n) for n in sizes.lower().replace(",", "x").split("x"))
            if name and min(shape) > 0:
                return name, shape
    except ValueError:
        pass
    raise click.UsageError(f"--shape takes BLOB=NxCxHxW with sizes of at least 1; got '{text}'")
