"""Weight files: the learned blobs of named layers, as ``.caffemodel`` (any version) or HDF5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FileError, FormatError, MissingExtraError
from ..layers import Array, Shape
from ..proto import Schema, array_to_blob, atomic_path, blob_shape, blob_to_array, read_weights_message, write_binary

if TYPE_CHECKING:
    from .net import Net

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class StoredBlob:
    """A blob in a file: its shape, whether that is an old four-axis one, and how to read its values."""

    shape: Shape
    legacy: bool
    read: Callable[[], Array]


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a weight file and its blobs by index (HDF5 files leave out those that another layer owns)."""

    name: str
    blobs: dict[int, StoredBlob]


def read_weight_file(path: str | Path, schema: Schema) -> list[StoredLayer]:
    """The layers stored in *path*; HDF5 is told from a ``.caffemodel`` by its first bytes.

    Errors: FileError, FormatError; MissingExtraError for HDF5 without h5py.
    """
    try:
        with open(path, "rb") as file:
            signature = file.read(len(HDF5_SIGNATURE))
    except OSError as error:
        raise FileError(f"cannot read this file: {error.strerror}", where=str(Path(path).absolute())) from None
    return _read_hdf5(path) if signature == HDF5_SIGNATURE else _read_binary(path, schema)


def _read_binary(path: str | Path, schema: Schema) -> list[StoredLayer]:
    message = read_weights_message(path, schema)
    return [StoredLayer(layer.name, dict(enumerate(map(_stored, layer.blobs)))) for layer in message.layer]


def _stored(blob: Any) -> StoredBlob:
    return StoredBlob(blob_shape(blob), not blob.HasField("shape"), lambda: blob_to_array(blob))


def _read_hdf5(path: str | Path) -> list[StoredLayer]:
    """Everything is read at once, so that the file is closed again; sizes come from datasets that exist."""
    h5py = import_h5py("reading HDF5 weights")
    layers: dict[str, dict[int, StoredBlob]] = {}

    def visit(name: str, item: Any) -> None:
        layer, _, index = name.rpartition("/")
        if isinstance(item, h5py.Dataset) and index.isdigit():
            array = np.asarray(item)
            layers.setdefault(layer, {})[int(index)] = StoredBlob(array.shape, False, lambda: array)
        elif isinstance(item, h5py.Group):
            layers.setdefault(name, {})  # a layer whose blobs are all another's has an empty group

    try:
        with h5py.File(path, "r") as file:
            group = file.get("data")
            if not isinstance(group, h5py.Group):
                raise FormatError("HDF5 weights have a group 'data' with one group per layer", where=str(path))
            group.visititems(visit)
    except (OSError, RuntimeError, KeyError) as error:
        raise FormatError(f"this HDF5 file cannot be read: {error}", where=str(path)) from None
    return [StoredLayer(name, blobs) for name, blobs in layers.items()]


def import_h5py(need: str) -> Any:
    """The module h5py. Errors: MissingExtraError, saying what *need* it is for."""
    try:
        import h5py
    except ImportError:
        raise MissingExtraError.for_package("h5py", "hdf5", need) from None
    return h5py


def save_binary(net: Net, path: str | Path, *, with_diff: bool) -> None:
    """Write the net's definition with its blobs as a ``.caffemodel``, whole or not at all."""
    message = type(net.definition)()
    message.CopyFrom(net.definition)
    for config, layer in zip(message.layer, net.layers, strict=True):
        for blob in layer.blobs:
            stored = config.blobs.add()
            array_to_blob(blob.data, stored)
            if with_diff:
                stored.diff.extend(blob.diff.ravel().tolist())
    write_binary(message, path)


def save_hdf5(net: Net, path: str | Path, *, with_diff: bool) -> None:
    """Write ``/data/<layer>/<index>``, and ``/diff/…`` if asked for; shared blobs stand at their owner only."""
    h5py = import_h5py("writing HDF5 weights")
    owned = {(p.layer.name, p.index) for p in net.learnable}
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        groups = [(file.create_group("data"), "data")]
        if with_diff:
            groups.append((file.create_group("diff"), "diff"))
        for group, what in groups:
            for layer in net.layers:
                place = group.require_group(layer.name)
                for index, blob in enumerate(layer.blobs):
                    if (layer.name, index) in owned:
                        place.create_dataset(str(index), data=getattr(blob, what))
