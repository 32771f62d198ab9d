"""Data: sources of records, what is done to them, and batches made ahead of time.

open_source, create_source    a database by backend and path, to read or to write; ``Source`` for new backends
read_records                  an endless row of records: shared out, shuffled
datum_to_array, array_to_datum
DataTransformer               crop, mirror, mean, scale
make_transformer, Transform   the same, behind the transforms of plugins
Prefetcher, Batch, Producer   batches made by a thread
read_mean, write_mean, compute_mean
images                        decode, resize, encode
"""

from . import images
from .datum import array_to_datum, datum_to_array, parse_datum
from .finite import check_finite
from .mean import compute_mean, read_mean, write_mean
from .prefetch import Batch, Prefetcher, Producer, State
from .reader import Picker, Stream, read_records
from .sources import Record, RecordNames, Source, SourceWriter, create_source, missing, open_source
from .transformer import DataTransformer
from .transforms import Transform, make_transformer

__all__ = [
    "Batch",
    "DataTransformer",
    "Picker",
    "Prefetcher",
    "Producer",
    "Record",
    "RecordNames",
    "Source",
    "SourceWriter",
    "State",
    "Stream",
    "Transform",
    "array_to_datum",
    "check_finite",
    "compute_mean",
    "create_source",
    "datum_to_array",
    "images",
    "make_transformer",
    "missing",
    "open_source",
    "parse_datum",
    "read_mean",
    "read_records",
    "write_mean",
]
