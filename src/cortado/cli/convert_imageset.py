"""``cortado convert-imageset``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._data import CaffeCommand, backend, progress


@click.command(
    cls=CaffeCommand,
    epilog="Example: cortado convert-imageset --resize-height 256 --resize-width 256 photos/ train.txt train_lmdb",
)
@click.argument("root")
@click.argument("list_file", metavar="LIST")
@click.argument("database", metavar="DB")
@backend
@click.option("--gray", is_flag=True, help="One channel instead of three.")
@click.option("--shuffle", is_flag=True, help="Take the lines of LIST in random order.")
@click.option("--seed", type=click.IntRange(0), help="Seed of --shuffle.  [default: drawn, and told]")
@click.option("--resize-width", type=click.IntRange(0), default=0, help="Width of all images.  [default: as they are]")
@click.option("--resize-height", type=click.IntRange(0), default=0, help="Height of all images; with --resize-width.")
@click.option("--check-size", is_flag=True, help="Refuse an image of another size than the first.")
@click.option("--encoded", is_flag=True, help="Store image files instead of pixels: smaller, slower to read.")
@click.option(
    *("--encode-type", "encode_type"),
    type=click.Choice(["png", "jpg", "jpeg", "bmp"], case_sensitive=False),
    help="Kind of those files; --encoded is then understood.  [default: that of each file]",
)
@click.option("--skip-bad", is_flag=True, help="Leave out, and name, images that cannot be used, instead of stopping.")
def command(
    root: str,
    list_file: str,
    database: str,
    backend: str,
    gray: bool,
    shuffle: bool,
    seed: int | None,
    resize_width: int,
    resize_height: int,
    check_size: bool,
    encoded: bool,
    encode_type: str | None,
    skip_bad: bool,
) -> None:
    """Make the new database DB of the images that LIST names beneath the folder ROOT.

    Each line of LIST is a path and, after a space, a label (a whole number). The pixels are stored in the order blue,
    green, red, under keys in the order of the list. DB is there only when all has gone well.
    """
    from ..data import create_source
    from ..data.convert import Conversion, records_of_images
    from ..data.lists import beneath, read_list
    from ..errors import DataError

    if bool(resize_width) != bool(resize_height):
        raise click.UsageError("give --resize-width and --resize-height, or neither")
    items = list(read_list(Path(list_file)).items)
    if shuffle:
        _shuffle(items, seed)
    conversion = Conversion(not gray, resize_height, resize_width, encode_type or ("same" if encoded else ""))
    files = ((item.path, beneath(root, item.path), item.label) for item in items)
    skipped = 0
    with create_source(backend.upper(), database) as writer:
        for record in progress(records_of_images(files, conversion, check_size), "images", len(items)):
            if not isinstance(record, DataError):
                writer.put(*record)
            elif skip_bad:
                click.echo(f"left out: {record}", err=True)
                skipped += 1
            else:
                record.hint = record.hint or "--skip-bad leaves out what cannot be used"
                raise record
        if not writer.count:
            raise DataError("there must be at least one image that can be used", where=list_file)
    click.echo(f"{writer.count} images in {database}" + (f", {skipped} left out" if skipped else ""))


def _shuffle(items: list[Any], seed: int | None) -> None:
    import secrets

    import numpy as np

    root = secrets.randbits(31) if seed is None else seed
    order = np.random.default_rng(root).permutation(len(items))
    items[:] = [items[int(i)] for i in order]
    if seed is None:
        click.echo(f"shuffled with --seed {root}", err=True)
