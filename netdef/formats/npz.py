"""npz: NumPy's archive, for weights on their way to or from other programs."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import FormatError
from ...layers import Array
from ...plugins import PluginManager, hookimpl
from ...proto import atomic_path
from ..weight_files import COPY_AGAIN, MOST_COMPRESSED, StoredBlob, StoredLayer
from .base import Learned, WeightFormat

if TYPE_CHECKING:
    from ..net import Net

DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What zipfile and NumPy raise for archives that are damaged, encrypted, or hold pickled objects."""


class Npz(WeightFormat):
    """An archive with an array ``<layer>/<index>`` for each learned blob, and ``diff/<layer>/<index>`` if asked for.

    Shared blobs stand at their owner only. Archives of pickled objects are refused.
    """

    type: ClassVar[str] = "npz"
    suffixes: ClassVar[Sequence[str]] = (".npz",)

    def recognises(self, head: bytes, path: Path) -> bool:
        return path.name.endswith(".npz")

    def read(self, path: Path, plugins: PluginManager) -> list[StoredLayer]:
        layers: dict[str, dict[int, StoredBlob]] = {}
        try:
            with zipfile.ZipFile(path) as archive:
                _check_sizes(archive, path)
            with np.load(path, allow_pickle=False) as arrays:
                for key in arrays.files:
                    layer, _, index = key.rpartition("/")
                    if layer and index.isdigit() and not layer.startswith("diff/"):
                        layers.setdefault(layer, {})[int(index)] = _stored(arrays[key], key)
        except DAMAGE as error:
            raise FormatError(f"this archive cannot be read: {error}", where=str(path), hint=COPY_AGAIN) from None
        if not layers:
            raise FormatError("an archive of weights has arrays called '<layer>/<index>'", where=str(path), got="none")
        return [StoredLayer(name, blobs) for name, blobs in layers.items()]

    def write(self, net: Net, path: Path, *, with_diff: bool) -> None:
        arrays: dict[str, Any] = {}
        for parameter in net.learnable:
            name = f"{parameter.layer.name}/{parameter.index}"
            arrays[name] = parameter.blob.data
            if with_diff:
                arrays[f"diff/{name}"] = parameter.blob.diff
        _save(path, arrays)

    def write_layers(self, layers: Learned, path: Path, plugins: PluginManager, *, name: str) -> None:
        _save(path, {f"{layer}/{i}": array for layer, blobs in layers.items() for i, array in blobs.items()})


def _save(path: Path, arrays: dict[str, Any]) -> None:
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _check_sizes(archive: zipfile.ZipFile, path: Path) -> None:
    """What an entry unpacks to, and what its header says of the array, are claims of the file: memory is taken only
    when both agree with its size."""
    for entry in archive.infolist():
        claimed = entry.file_size
        if claimed <= entry.compress_size * MOST_COMPRESSED + MOST_COMPRESSED:
            claimed = _array_size(archive, entry)
        if claimed > min(entry.file_size, entry.compress_size * MOST_COMPRESSED + MOST_COMPRESSED):
            rule = f"an array is at most {MOST_COMPRESSED} times as large as its part of the file"
            got = f"{claimed} bytes in {entry.compress_size}"
            raise FormatError(rule, where=str(path), who=entry.filename, got=got, hint=COPY_AGAIN)


def _array_size(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """The bytes of the array in *entry*, by its header."""
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return prod(shape) * dtype.itemsize


def _stored(array: Array, key: str) -> StoredBlob:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"'{key}' holds no numbers but {array.dtype}")
    return StoredBlob.of(array)


@hookimpl
def cortado_weight_formats() -> list[type[WeightFormat]]:
    return [Npz]
