"""``cortado convert-weights``."""

from __future__ import annotations

import click


@click.command(epilog="Example: cortado convert-weights digits.caffemodel digits.safetensors")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def command(source: str, target: str) -> None:
    """Write the weights in FROM as another kind of file: .caffemodel, .h5, .safetensors or .npz.

    Tensors are called LAYER/INDEX in .safetensors and .npz. Needs the extras `hdf5` and `safetensors` for those.
    """
    from pathlib import Path

    from ..export.weights import read_weights, write_weights
    from ..proto import check_writable

    check_writable(target)
    layers = read_weights(source)
    write_weights(layers, target, Path(source).stem)
    count = sum(array.size for blobs in layers.values() for array in blobs.values())
    held = sum(bool(blobs) for blobs in layers.values())
    click.echo(f"{target}: {held} layers, {count:,} numbers")
