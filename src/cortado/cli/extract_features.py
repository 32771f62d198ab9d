"""``cortado extract-features``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

from ._data import CaffeCommand, progress
from ._options import engine, file, make_engine, python_layers, seed, threads

if TYPE_CHECKING:
    from ..layers import Blob


@click.command(
    cls=CaffeCommand,
    epilog="Example: cortado extract-features digits.caffemodel examples/digits/net.prototxt ip1,ip2 ip1_db,ip2_db 6",
)
@click.argument("weights", type=file)
@click.argument("net")
@click.argument("blobs")
@click.argument("out_dbs")
@click.argument("batches", metavar="N_BATCHES", type=click.IntRange(1))
@click.argument("kind", metavar="[TYPE]", required=False, default="lmdb")
@click.argument("device", metavar="", nargs=-1)
@engine
@threads
@seed
@python_layers
def command(
    weights: str,
    net: str,
    blobs: str,
    out_dbs: str,
    batches: int,
    kind: str,
    device: tuple[str, ...],
    engine: str,
    threads: int | None,
    seed: int | None,
    allow_python_layers: bool,
) -> None:
    """Store what BLOBS of a trained net hold for N_BATCHES batches of its data, in phase TEST.

    BLOBS and OUT_DBS are comma lists of equal length. TYPE is lmdb (the default), leveldb or hdf5. In a database, each
    row of a blob is a record with the values as float_data, under keys 0000000000, 0000000001, …; an HDF5 file has one
    dataset, called like the blob. The data comes from the net's own data layer.
    """
    from ..errors import NetError
    from ..layers import Phase
    from ..netdef import Net

    names, paths = _comma(blobs), _comma(out_dbs)
    if len(names) != len(paths):
        raise click.UsageError(f"there must be one database for each blob; got {len(names)} and {len(paths)}")
    if not names or len(set(paths)) < len(paths):
        raise click.UsageError(f"each blob needs a database of its own; got {', '.join(paths) or 'no blob'}")
    kinds = {"lmdb": _database, "leveldb": _database, "hdf5": _hdf5}
    if kind.lower() not in kinds:
        raise click.UsageError(f"TYPE must be lmdb, leveldb or hdf5; got {kind}")
    kernels = make_engine(engine, threads)
    made = Net(net, Phase.TEST, engine=kernels, seed=seed, allow_python_layers=allow_python_layers)
    if made.inputs:
        rule = "the data must come from the net's own data layer"
        raise NetError(f"{rule}; no layer fills {' and '.join(made.inputs)}", where=net)
    for part in _comma(weights):
        click.echo(str(made.load(part)), err=True)
    wanted = [made.blob(name) for name in names]
    with ExitStack() as stack:
        stores = [
            stack.enter_context(kinds[kind.lower()](path, name, kind)) for name, path in zip(names, paths, strict=True)
        ]
        for _ in progress(range(batches), "batches", batches):
            made.forward()
            for store, blob in zip(stores, wanted, strict=True):
                store.add(blob)
    for name, path, store in zip(names, paths, stores, strict=True):
        click.echo(f"{store.count} rows of {name} in {path}")


class Store(Protocol):
    """Where the rows of one blob go."""

    count: int

    def add(self, blob: Blob) -> None: ...


class DatabaseStore:
    """Rows as Datums of a database."""

    def __init__(self, writer: Any) -> None:
        self.writer, self.count = writer, 0

    def add(self, blob: Blob) -> None:
        from ..data import array_to_datum

        shape = blob.channels, blob.height, blob.width
        for row in blob.data.reshape(blob.num, *shape):
            self.writer.put(b"%010d" % self.count, array_to_datum(row.astype("float32")).SerializeToString())
            self.count += 1


class Hdf5Store:
    """Rows of one dataset."""

    def __init__(self, file: Any, name: str, check: Callable[[], None]) -> None:
        self.file, self.name, self.check, self.count = file, name, check, 0

    def add(self, blob: Blob) -> None:
        rows = blob.data if blob.num_axes else blob.data.reshape(1)
        if self.name not in self.file:
            self.file.create_dataset(self.name, data=rows, maxshape=(None, *rows.shape[1:]))
        else:
            self.file[self.name].resize(self.count + len(rows), axis=0)
            self.file[self.name][self.count :] = rows
        self.check()
        self.count += len(rows)


@contextmanager
def _database(path: str, name: str, kind: str) -> Iterator[Store]:
    from ..data import create_source

    with create_source(kind.upper(), path) as writer:
        yield DatabaseStore(writer)


@contextmanager
def _hdf5(path: str, name: str, kind: str) -> Iterator[Store]:
    from ..data.hdf5_write import writing_hdf5
    from ..proto import atomic_path

    with atomic_path(path) as temporary, writing_hdf5(temporary) as (file, below):
        yield Hdf5Store(file, name, below.check)


def _comma(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
