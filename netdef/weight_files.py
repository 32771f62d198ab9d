"""Weight files: the learned blobs of named layers, as ``.caffemodel`` (any version) or HDF5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.hdf5_write import writing_hdf5
from ..errors import FormatError, MissingExtraError
from ..layers import Array, Shape
from ..plugins import PluginManager
from ..plugins.dialects import read_weights
from ..proto import array_to_blob, atomic_path, blob_shape, blob_to_array, is_legacy, write_binary
from ..proto.files import named

if TYPE_CHECKING:
    from .formats import WeightFormat
    from .formats.base import Learned
    from .net import Net

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAD = 64
"""First bytes by which formats are told apart."""
MOST_COMPRESSED = 1100
"""How many times smaller than its values a file can be; deflate, the best that Caffe's files use, reaches 1032."""
COPY_AGAIN = "the file is damaged; copy or download it again"
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)
"""What h5py raises for files that are damaged."""


@dataclass(frozen=True)
class StoredBlob:
    """A blob in a file: its shape, whether that is an old four-axis one, and how to read its values."""

    shape: Shape
    legacy: bool
    read: Callable[[], Array]

    @classmethod
    def of(cls, array: Array) -> StoredBlob:
        """A blob whose values are there already."""
        return cls(array.shape, False, lambda: array)


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a weight file and its blobs by index (HDF5 files leave out those that another layer owns)."""

    name: str
    blobs: dict[int, StoredBlob]


def read_weight_file(path: str | Path, plugins: PluginManager) -> list[StoredLayer]:
    """The layers stored in *path*, in any of the weight formats; which one, its first bytes say.

    Errors: FileError, FormatError; MissingExtraError for HDF5 without h5py.
    """
    head = _head(path)
    for entry in plugins.registry("weight_formats").all():
        weight_format: WeightFormat = entry.item()
        if weight_format.recognises(head, Path(path)):
            return weight_format.read(Path(path), plugins)
    return read_binary_weights(path, plugins)


def format_for(path: str | Path, plugins: PluginManager) -> WeightFormat | None:
    """The weight format that the end of *path* names, if any does."""
    for entry in plugins.registry("weight_formats").all():
        if str(path).endswith(tuple(entry.item.suffixes)):
            found: WeightFormat = entry.item()
            return found
    return None


def is_hdf5(path: str | Path) -> bool:
    """Whether the file *path* begins as HDF5 files do. Errors: FileError."""
    return _head(path).startswith(HDF5_SIGNATURE)


def _head(path: str | Path) -> bytes:
    with named("read", path), open(path, "rb") as file:
        return file.read(HEAD)


def read_binary_weights(path: str | Path, plugins: PluginManager) -> list[StoredLayer]:
    """The layers of a ``.caffemodel``."""
    message = read_weights(path, plugins)
    layers = []
    for layer in message.layer:
        try:
            blobs = dict(enumerate(map(_stored, layer.blobs)))
        except FormatError as error:
            raise error.located(str(path), f"layer '{layer.name}'") from None
        layers.append(StoredLayer(layer.name, blobs))
    return layers


def _stored(blob: Any) -> StoredBlob:
    return StoredBlob(blob_shape(blob), is_legacy(blob), lambda: blob_to_array(blob))


def read_hdf5_weights(path: str | Path) -> list[StoredLayer]:
    """The layers of an HDF5 file. Everything is read at once, so that the file is closed again."""
    h5py = import_h5py("reading HDF5 weights")
    layers: dict[str, dict[int, StoredBlob]] = {}
    size = Path(path).stat().st_size

    def visit(name: str, item: Any) -> None:
        layer, _, index = name.rpartition("/")
        if isinstance(item, h5py.Dataset) and index.isdigit():
            array = read_values(item, size)
            layers.setdefault(layer, {})[int(index)] = StoredBlob.of(array)
        elif isinstance(item, h5py.Group):
            layers.setdefault(name, {})  # a layer whose blobs are all another's has an empty group

    try:
        with h5py.File(path, "r") as file:
            group = file.get("data")
            if not isinstance(group, h5py.Group):
                got = "a solver state (.solverstate.h5)" if "history" in file else ", ".join(file) or "an empty file"
                raise FormatError("HDF5 weights have a group 'data' with one group per layer", got=got)
            group.visititems(visit)
    except FormatError as error:
        raise error.located(str(path)) from None
    except DAMAGE as error:
        raise FormatError(f"this HDF5 file cannot be read: {error}", where=str(path), hint=COPY_AGAIN) from None
    return [StoredLayer(name, blobs) for name, blobs in layers.items()]


def read_values(dataset: Any, file_size: int, kinds: str = "fiu") -> Array:
    """What *dataset* holds, of one of the *kinds*. Its size is a claim of the file, so it is looked at before memory is
    taken. Errors: FormatError.
    """
    if dataset.is_virtual or dataset.external:
        raise FormatError("blobs stand in the file itself", who=dataset.name, got="values in another file")
    if dataset.dtype.kind not in kinds:
        rule = "blobs are numbers" if kinds == "fiu" else "names are text"
        raise FormatError(rule, who=dataset.name, got=str(dataset.dtype))
    if dataset.nbytes > file_size * MOST_COMPRESSED:
        rule = f"a dataset is at most {MOST_COMPRESSED} times as large as its file ({file_size} bytes)"
        raise FormatError(rule, who=dataset.name, got=f"{dataset.nbytes} bytes", hint=COPY_AGAIN)
    return np.asarray(dataset)


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
                array_to_blob(blob.diff, stored, diff=True)
    write_binary(message, path)


def save_hdf5(net: Net, path: str | Path, *, with_diff: bool) -> None:
    """Write ``/data/<layer>/<index>``, and ``/diff/…`` if asked for; shared blobs stand at their owner only."""
    owned = {(p.layer.name, p.index) for p in net.learnable}

    def stored(what: str) -> Learned:
        return {
            layer.name: {i: getattr(b, what) for i, b in enumerate(layer.blobs) if (layer.name, i) in owned}
            for layer in net.layers
        }

    write_hdf5({what: stored(what) for what in (("data", "diff") if with_diff else ("data",))}, path)


def write_hdf5(groups: Mapping[str, Learned], path: str | Path) -> None:
    """Write ``/<group>/<layer>/<index>``, whole or not at all. Errors: MissingExtraError without h5py."""
    with atomic_path(path) as temporary, writing_hdf5(temporary, purpose="writing HDF5 weights") as (file, _):
        for name, layers in groups.items():
            group = file.create_group(name)
            for layer, blobs in layers.items():
                place = group.require_group(layer)
                for index, array in blobs.items():
                    place.create_dataset(str(index), data=array)
