"""npz: NumPy's archive, for weights on their way to or from other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...data.npy import DAMAGE, read_npz
from ...errors import FormatError
from ...layers import Array
from ...plugins import PluginManager, hookimpl
from ...proto import atomic_path
from ..weight_files import COPY_AGAIN, StoredBlob, StoredLayer
from .base import Learned, WeightFormat

if TYPE_CHECKING:
    from ..net import Net


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
            for key, array in read_npz(path).items():
                layer, _, index = key.rpartition("/")
                if layer and index.isdigit() and not layer.startswith("diff/"):
                    layers.setdefault(layer, {})[int(index)] = _stored(array, key)
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


def _stored(array: Array, key: str) -> StoredBlob:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"'{key}' holds no numbers but {array.dtype}")
    return StoredBlob.of(array)


@hookimpl
def cortado_weight_formats() -> list[type[WeightFormat]]:
    return [Npz]
