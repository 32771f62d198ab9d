"""``cortado gradcheck``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ._net_options import give_weights, phase_of
from ._options import file, level, python_layers, seed, stage_list, stages

if TYPE_CHECKING:
    from ..netdef import Net
    from ..netdef.gradcheck import GradientRow

COLOURS = {"ok": "green", "look": "yellow", "wrong": "red"}


@click.command(epilog="Example: cortado gradcheck examples/digits/net.prototxt --samples 2")
@click.argument("net")
@click.option("--weights", type=file, metavar="FILE", help="Learned values.  [default: as the fillers draw them]")
@click.option("--samples", type=click.IntRange(1), default=6, show_default=True, help="Elements drawn of each blob.")
@click.option("--only", type=click.Choice(["layers", "whole"]), help="Only each layer alone, or only the whole net.")
@click.option("--phase", type=click.Choice(["TRAIN", "TEST"]), default="TRAIN", show_default=True, help="Phase.")
@seed
@python_layers
@stages
@level
def command(
    net: str,
    weights: str | None,
    samples: int,
    only: str | None,
    phase: str,
    seed: int | None,
    allow_python_layers: bool,
    level: int | None,
    stage: tuple[str, ...],
) -> None:
    """Check the gradients of NET against differences, in double precision: each layer alone, then the whole net.

    Prints the largest relative error of every blob. Elements at kinks (ReLU at 0, ties of a maximum) have no
    derivative; they are counted and left out. Input layers get normal random numbers. Exit status 1 if a gradient is
    wrong.
    """
    import numpy as np

    from ..netdef import Net
    from ..netdef.gradcheck import check_layers, check_whole

    made = Net(net, phase_of(phase) or 0, level=level, stages=stage_list(stage), engine="reference", dtype=np.float64,
               seed=seed or 0, allow_python_layers=allow_python_layers)  # fmt: skip
    if weights:
        made.load(weights)
    else:
        give_weights(made, seed or 0)
    _fill_inputs(made, seed or 0)
    bad = 0
    if only != "whole":
        bad += _print("each layer alone", check_layers(made, samples, seed or 0))
    if only != "layers":
        bad += _print("loss of the whole net", check_whole(made, samples, seed or 0))
    sys.exit(1 if bad else 0)


def _fill_inputs(net: Net, seed: int) -> None:
    import numpy as np

    rng = np.random.default_rng(seed)
    for name in net.inputs:
        blob = net.blobs[name]
        blob.data[...] = rng.normal(size=blob.shape)


def _print(title: str, rows: Iterator[GradientRow]) -> int:
    bad = count = 0
    click.echo(f"{title}\n{'layer':20} {'type':18} {'by':24} {'elements':>8} {'kinks':>6} {'rel. error':>11}")
    for row in rows:
        count += 1
        verdict = row.verdict
        bad += verdict == "wrong"
        tail = "" if verdict == "ok" else f"  backward {row.analytic:.8g}, differences {row.numeric:.8g}"
        note = click.style(verdict, fg=COLOURS[verdict])
        click.echo(
            f"{row.layer:20} {row.type:18} {row.what:24} {row.checked:8} {row.kinks:6} {row.error:11.2e}  {note}{tail}"
        )
    click.echo(f"{count} blobs, {bad} wrong\n" if count else "nothing to check: no gradients here\n")
    return bad
