"""``cortado convert-mnist``."""

from __future__ import annotations

from pathlib import Path

import click

from ._data import CaffeCommand, backend, progress

SETS = {"train": "train", "test": "t10k"}


@click.command(cls=CaffeCommand, epilog="Example: cortado convert-mnist ~/mnist examples/mnist")
@click.argument("idx_folder", type=click.Path(path_type=Path))
@click.argument("out_dir", type=click.Path(path_type=Path))
@backend
def command(idx_folder: Path, out_dir: Path, backend: str) -> None:
    """Make OUT_DIR/mnist_train_lmdb and OUT_DIR/mnist_test_lmdb of the four MNIST files in IDX_FOLDER.

    The files (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…) may be compressed (.gz). Data sets that come in
    the same form, such as Fashion-MNIST, work as well.
    """
    from ..data import create_source
    from ..data.convert import records_of_arrays
    from ..data.idx import find_idx, read_idx
    from ..data.sources import check_new
    from ..errors import FormatError
    from ..proto.files import named

    loaded = []
    for name, prefix in SETS.items():
        files = [
            find_idx(idx_folder, f"{prefix}-{what}-idx{axes}-ubyte", f"{prefix}-{what}.idx{axes}-ubyte")
            for what, axes in (("images", 3), ("labels", 1))
        ]
        images, labels = map(read_idx, files)
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            rule = "there must be N x H x W images and N labels"
            raise FormatError(rule, where=str(idx_folder), got=f"{prefix}: {images.shape} and {labels.shape}")
        loaded.append((name, images, labels))
    with named("make", out_dir, "folder"):
        out_dir.mkdir(parents=True, exist_ok=True)
    paths = [out_dir / f"mnist_{name}_{backend.lower()}" for name, _, _ in loaded]
    for path in paths:
        check_new(path)
    for path, (name, images, labels) in zip(paths, loaded, strict=True):
        with create_source(backend.upper(), path) as writer:
            for record in progress(records_of_arrays(images, labels), name, len(images)):
                writer.put(*record)
        click.echo(f"{len(images)} images in {path}")
