"""HDF5Data: rows of HDF5 files, any number of tops, any number of axes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..data import Batch, Producer, State, Stream, missing
from ..data.finite import check_finite
from ..data.hdf5 import Hdf5Rows, read_header
from ..errors import DataError, ParameterError
from ..plugins import hookimpl
from ..proto import read_text
from .arity import Arity, at_least
from .blob import Array
from .context import find_path
from .data_base import DataLayer
from .layer import Blobs, Layer


class HDF5Data(DataLayer):
    """Batches of rows from HDF5 files. Each top is the dataset of its name, its first axis the rows.

    ``hdf5_data_param``: ``source``, a text file with the path of one HDF5 file per line (looked for from the working
    directory, from the net file, and from the list); ``batch_size``; ``shuffle`` (false), which takes the files, and
    the rows in each, in another order in every epoch, drawn from the seed of the net.

    Tops: N x the shape of a row. Whole numbers become floats. The first row follows the last one, in the middle of a
    batch if it so happens. Files of more than 256 MiB are read piece by piece.

    Errors: ParameterError, also for a ``transform_param``, which would do nothing; FileError; DataError for datasets
    that are not there or do not fit each other.

    Example::

        layer {
          name: "data" type: "HDF5Data" top: "data" top: "target"
          hdf5_data_param { source: "train.txt" batch_size: 10 shuffle: true }
        }

    Source: Caffe's HDF5Data layer.
    """

    type: ClassVar[str] = "HDF5Data"
    param_field: ClassVar[str | None] = "hdf5_data_param"
    tops: ClassVar[Arity] = at_least(1)

    def open(self, top: Blobs) -> Producer:
        count = self.batch_size(self.param)
        if self.config.HasField("transform_param"):
            where = self.context.position("transform_param")
            raise ParameterError("HDF5Data does not transform its data", where=where, hint="remove transform_param")
        names = list(self.config.top)
        rows = Hdf5Rows([read_header(path, names) for path in self._files()], names)
        for blob, name in zip(top, names, strict=True):
            blob.reshape((count, *rows.shape(name)))
        return RowBatches(rows, count, self.share(), self.streams("shuffle") if self.param.shuffle else None)

    def _files(self) -> list[Path]:
        if not self.param.source:
            self.fail("source must name a text file that lists HDF5 files", "source")
        source = self.context.resolve(self.param.source)
        if not os.path.isfile(source):
            raise missing(source, "list of HDF5 files")
        if source.read_bytes()[:8] == b"\x89HDF\r\n\x1a\n":
            self.fail("source must be a text file that lists HDF5 files, one per line", "source", got="an HDF5 file")
        lines = [line.strip() for line in read_text(source).splitlines()]
        found = [self._find(line, source) for line in lines if line]
        if not found:
            raise DataError(f"the list {source} must name at least one HDF5 file")
        return found

    def _find(self, line: str, source: Path) -> Path:
        path = find_path(line, self.context.folder)
        return self.context.confine(path if os.path.exists(path) else source.parent / line)


class RowNames(Sequence[str]):
    """What the *numbers* of some rows are called, worked out when it is asked for."""

    def __init__(self, rows: Hdf5Rows, numbers: Array) -> None:
        self.rows, self.numbers = rows, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Any) -> Any:
        return self.rows.name(int(self.numbers[index]))


class RowBatches:
    """Makes batches of the rows of HDF5 files."""

    def __init__(self, rows: Hdf5Rows, count: int, share: tuple[int, int], shuffle: Stream | None) -> None:
        self.rows, self.count, self.shuffle = rows, count, shuffle
        self.rank, self.world = share
        self.position = 0
        self._orders: dict[int, Array] = {}

    def fill(self, batch: Batch) -> None:
        names = self.rows.names
        arrays = {name: batch.array(i, (self.count, *self.rows.shape(name))) for i, name in enumerate(names)}

        numbers = self._next_rows()

        def write(name: str, places: slice, values: Array) -> None:
            check_finite(values, lambda i: f"dataset '{name}', {self.rows.name(int(numbers[places.start + i]))}")
            arrays[name][places] = values

        self.rows.read(numbers, write)
        batch.names = RowNames(self.rows, numbers)
        self.position += self.count * self.world

    def state(self) -> State:
        return {"records": self.position}

    def restore(self, state: Mapping[str, int]) -> None:
        self.position, self._orders = state["records"], {}

    def _next_rows(self) -> Array:
        places = self.position + self.rank + self.world * np.arange(self.count, dtype=np.int64)
        epochs, rows = np.divmod(places, len(self.rows))
        if self.shuffle is None:
            return rows
        needed = range(int(epochs[0]), int(epochs[-1]) + 1)
        self._orders = {epoch: self._order(epoch, self.shuffle) for epoch in needed}
        return np.array([self._orders[int(epoch)][row] for epoch, row in zip(epochs, rows, strict=True)], np.int64)

    def _order(self, epoch: int, shuffle: Stream) -> Array:
        return self._orders[epoch] if epoch in self._orders else self.rows.shuffled(shuffle(epoch))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [HDF5Data]
