"""Data: records from a database."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from ..data import (
    Batch,
    DataTransformer,
    Producer,
    Record,
    RecordNames,
    Source,
    Stream,
    check_finite,
    datum_to_array,
    open_source,
    parse_datum,
    read_records,
)
from ..plugins import Bool, Parameters, String, hookimpl
from .blob import Shape
from .data_base import DataLayer
from .layer import Blobs, Layer
from .record_batches import RecordBatches

TOGETHER = 2**19
"""Numbers of records that are read before they are transformed."""


class DataExtras(Parameters, field="cortado_data_param", number=5201):
    """What Caffe's ``data_param`` has no words for."""

    shuffle = Bool(1, default=False, doc="read the records of each epoch in another random order")
    backend = String(2, default="", doc="a source that data_param { backend } does not know, such as FOLDER")


class Data(DataLayer):
    """Batches of images (or other arrays) and labels from an LMDB, a LevelDB, or what a plugin brings.

    Tops: ``data``, N x C x H x W, and if there is a second one ``label``, N. The size is that of the first record of a
    batch, after ``transform_param`` has been applied (see ``DataTransformer``); the records of a batch must agree.
    Records come in the order of their keys; after the last one the first follows, in the middle of a batch if it so
    happens. Of several training processes, number ``rank`` of ``world`` reads the records i with i % world == rank.

    ``data_param``: ``source``, the path; ``batch_size``; ``backend`` (LEVELDB), or LMDB; ``prefetch`` (4), batches made
    ahead by a thread; ``rand_skip`` is read and does nothing, as in Caffe.
    ``cortado_data_param``: ``shuffle`` (false), another order in each epoch, drawn from the seed of the net;
    ``backend``, the name of any other source.

    Errors: ParameterError; FileError for a database that is not there; DataError that names the record.

    Example::

        layer {
          name: "mnist" type: "Data" top: "data" top: "label"
          transform_param { scale: 0.00390625 }
          data_param { source: "mnist_train_lmdb" backend: LMDB batch_size: 64 }
        }

    Source: Caffe's Data layer.
    """

    type: ClassVar[str] = "Data"
    param_field: ClassVar[str | None] = "data_param"

    def open(self, top: Blobs) -> Producer:
        count = self.batch_size(self.param)
        if not self.param.source:
            self.fail("source must name a database", "source")
        transformer = self.transformer()
        source = open_source(self.backend, self.context.resolve(self.param.source), self.context.plugins)
        extras = getattr(self.config, DataExtras.field, None)
        shuffle = self.streams("shuffle") if extras is not None and extras.shuffle else None
        maker = DatumBatches(source, count, len(top) > 1, transformer, self.streams("transform"), self.share(), shuffle)
        shape = maker.first_shape()
        top[0].reshape((count, *shape))
        if len(top) > 1:
            top[1].reshape((count,))
        return maker

    @property
    def backend(self) -> str:
        """The name of the source's type."""
        extras = getattr(self.config, DataExtras.field, None)
        if extras is not None and extras.backend:
            return str(extras.backend)
        return str(self.param.DESCRIPTOR.fields_by_name["backend"].enum_type.values_by_number[self.param.backend].name)

    def shapes_without_data(self) -> Sequence[Shape] | None:
        param = self.config.transform_param
        forced = 3 if param.force_color else 1 if param.force_gray else None
        shape = self.planned_shape(None, forced)
        return None if shape is None else [(self.param.batch_size, *shape), (self.param.batch_size,)]


class DatumBatches(RecordBatches):
    """Makes batches of the Datums of a source."""

    def __init__(
        self,
        source: Source,
        count: int,
        labels: bool,
        transformer: DataTransformer,
        streams: Stream,
        share: tuple[int, int],
        shuffle: Stream | None = None,
    ) -> None:
        self.source, self.count, self.labels, self.transformer = source, count, labels, transformer
        self.reader = read_records(source, *share, shuffle)
        self.together = 1
        super().__init__(self.reader, streams, share)

    def first_shape(self) -> Shape:
        """The shape that the first record gets, after a check that it can be transformed."""
        record = self.source.first()
        first = self._array(record)[0]
        shape, self.together = first.shape, max(1, TOGETHER // first.size)
        self.transformer.check(shape)
        return self.transformer.output_shape(shape)

    def fill(self, batch: Batch) -> None:
        draws = self.transformer.draw(self.stream(), self.count)
        out: Any = None
        keys: list[bytes] = []
        for start in range(0, self.count, self.together):
            part = slice(start, min(start + self.together, self.count))
            records = list(islice(self.reader, part.stop - start))
            images, labels = zip(*map(self._array, records), strict=True)
            keys += [record.key for record in records]
            if out is None:
                out = batch.array(0, (self.count, *self.transformer.output_shape(images[0].shape)))
            names = RecordNames(keys[start:])
            self.transformer.apply_all(images, out[part], None if draws is None else draws[part], names)
            if self.labels:
                batch.array(1, (self.count,))[part] = labels
        batch.names = RecordNames(keys)
        self.batches += 1

    def _array(self, record: Record) -> tuple[np.ndarray[Any, Any], int]:
        datum = parse_datum(record.value, record)
        array = datum_to_array(datum, record, self.transformer.color, record.value)
        if array.dtype.kind == "f":
            check_finite(array, record.name)
        return array, datum.label


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Data]


@hookimpl
def cortado_parameters() -> dict[str, type[Parameters]]:
    return {DataExtras.field: DataExtras}
