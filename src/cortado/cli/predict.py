"""``cortado predict``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._images import Viewing, viewing
from ._options import file

if TYPE_CHECKING:
    from ..layers import Array
    from ..netdef import Net
    from ..netdef.preprocessing import Preprocessing

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


@click.command(epilog="Example: cortado predict deploy.prototxt digits.caffemodel images --top 3")
@click.argument("net")
@click.argument("weights", type=file)
@click.argument("images", type=file, nargs=-1, required=True, metavar="IMAGE|DIR...")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="How many classes to tell.")
@click.option("--output", "output_name", metavar="BLOB", help="The blob with the scores.  [default: the net's output]")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON per image, with all scores.")
@viewing
def command(
    net: str,
    weights: str,
    images: tuple[str, ...],
    top: int,
    output_name: str | None,
    as_json: bool,
    viewing: Viewing,
) -> None:
    """Tell the classes that a trained NET sees in images: files, or folders of them.

    NET is a deploy net, or the net it was trained with (then its deploy net is derived). How images become input is
    read from WEIGHTS with .preprocessing.json instead of its ending, which `cortado deploy --weights` writes.
    """
    viewer = viewing.viewer(net, weights)
    output = output_name or _only_output(viewer.net)
    viewer.net.blob(output)
    ready = viewer.net.inference(keep=[output])
    for path in _files(images):
        viewer.show(path)
        ready.forward()
        _tell(path, ready.blobs[output].data[0].ravel(), viewer.steps, top, as_json)


def _only_output(net: Net) -> str:
    if len(net.outputs) != 1:
        raise click.UsageError(f"name the blob with the scores: --output {' or '.join(net.outputs)}")
    return net.outputs[0]


def _files(images: tuple[str, ...]) -> list[Path]:
    found = []
    for name in images:
        path = Path(name)
        if not os.path.isdir(path):
            found.append(path)
            continue
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS)
        if not inside:
            raise click.UsageError(f"the folder {path} has no images ({', '.join(ENDINGS)})")
        found += inside
    return found


def _tell(path: Path, scores: Array, steps: Preprocessing, top: int, as_json: bool) -> None:
    from ..netdef.prepare import named

    order = (-scores).argsort(kind="stable")[:top]
    if as_json:
        best = [{"class": int(i), "name": named(steps, int(i)), "score": float(scores[i])} for i in order]
        click.echo(json.dumps({"image": str(path), "top": best, "scores": [float(s) for s in scores]}))
        return
    click.echo(f"{path}")
    for index in order:
        click.echo(f"  {scores[index]:9.4f}  {named(steps, int(index))}")
