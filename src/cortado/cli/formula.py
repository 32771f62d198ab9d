"""``cortado formula``."""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING

import click

from ._options import seed_of

if TYPE_CHECKING:
    from ..layers.formula import Node

POINTS = 40
STEP = 1e-6


@click.command(epilog='Example: cortado formula "x * sigmoid(beta * x)" --scalar beta=1')
@click.argument("text", metavar="FORMULA")
@click.option(
    "--input", "inputs", multiple=True, help="A name that stands for a bottom; may be repeated.  [default: x]"
)
@click.option("--scalar", "scalars", multiple=True, metavar="NAME=VALUE", help="A learned number; may be repeated.")
@seed_of("the points at which derivatives are checked")
def command(text: str, inputs: tuple[str, ...], scalars: tuple[str, ...], seed: int) -> None:
    """Show the derivatives of the FORMULA of an Expression layer, and check them against differences.

    The check is made at 40 points from a normal distribution; exit status 1 where a derivative is wrong. Points at
    which the slopes on both sides differ (kinks) are left out and counted.
    """
    from ..layers.formula import derivative, parse

    names = list(inputs) or ["x"]
    values = _values(scalars)
    _check_names([*names, *(pair.partition("=")[0] for pair in scalars)])
    tree = parse(text, [*names, *values])
    click.echo(f"y = {tree}")
    wrong = False
    for name in (*names, *values):
        slope = derivative(tree, name)
        click.echo(f"\ndy/d{name} = {slope}")
        worst, kinks, compared = _check(tree, slope, name, names, values, seed)
        left_out = f", {kinks} left out" if kinks else ""
        click.echo(f"    largest relative error {worst:.1e} at {compared} points{left_out}")
        wrong |= not worst < 1e-4
    sys.exit(int(wrong))


def _values(pairs: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            equals = ""
        if not equals or not math.isfinite(found[name]):
            raise click.UsageError(f"--scalar takes NAME=VALUE with a number; got '{pair}'")
    return found


def _check_names(names: list[str]) -> None:
    """Errors: click.UsageError where a name cannot stand in a formula, or stands for two things."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise click.UsageError(f"--input and --scalar take names of letters, digits and _; got '{name}'")
        if names.count(name) > 1:
            raise click.UsageError(f"--input and --scalar give each name once; got '{name}' twice")


def _check(
    tree: Node, slope: Node, name: str, names: list[str], scalars: dict[str, float], seed: int
) -> tuple[float, int, int]:
    """The largest relative error of *slope*, how many points were left out, and how many compared."""
    import numpy as np

    from ..engines import get_engine
    from ..layers.formula import Program

    rng, engine = np.random.default_rng(seed), get_engine("reference")
    arrays = {key: rng.normal(size=POINTS) for key in names} | {key: np.full(POINTS, v) for key, v in scalars.items()}

    def value(of: Node, shift: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        out = np.empty(POINTS)
        moved = arrays | {name: arrays[name] + shift}
        Program([of]).run(engine, moved, out.shape, out.dtype, out=out)
        return out

    middle, exact = value(tree, 0), value(slope, 0)
    with np.errstate(all="ignore"):
        left, right = (middle - value(tree, -STEP)) / STEP, (value(tree, STEP) - middle) / STEP
        size = np.maximum(1, np.abs(exact))
        smooth = np.abs(left - right) <= 1e-3 * size
        errors = np.abs((left + right) / 2 - exact) / size
    compared = int(smooth.sum())
    return (float(errors[smooth].max()) if compared else float("nan")), POINTS - compared, compared
