"""safetensors: the archive that other frameworks exchange weights in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import FormatError, MissingExtraError
from ...layers import Array
from ...plugins import PluginManager, hookimpl
from ...proto import atomic_write, read_bytes
from ..weight_files import COPY_AGAIN, StoredBlob, StoredLayer
from .base import Learned, WeightFormat

if TYPE_CHECKING:
    from ..net import Net


class SafeTensors(WeightFormat):
    """A tensor ``<layer>/<index>`` for each learned blob; shared blobs stand at their owner only, gradients nowhere.

    Needs the package safetensors.
    """

    type: ClassVar[str] = "safetensors"
    suffixes: ClassVar[Sequence[str]] = (".safetensors",)

    def recognises(self, head: bytes, path: Path) -> bool:
        return path.name.endswith(".safetensors")

    def read(self, path: Path, plugins: PluginManager) -> list[StoredLayer]:
        module = _module()
        try:
            tensors: Mapping[str, Array] = module.load(read_bytes(path))
        except Exception as error:
            raise FormatError(f"this is no safetensors file: {error}", where=str(path), hint=COPY_AGAIN) from None
        layers: dict[str, dict[int, StoredBlob]] = {}
        for key, array in tensors.items():
            layer, _, index = key.rpartition("/")
            if layer and index.isdigit() and array.dtype.kind in "fiu":
                layers.setdefault(layer, {})[int(index)] = StoredBlob.of(array)
        if not layers:
            raise FormatError("tensors of weights are called '<layer>/<index>'", where=str(path), got="none of them")
        return [StoredLayer(name, blobs) for name, blobs in layers.items()]

    def write(self, net: Net, path: Path, *, with_diff: bool) -> None:
        _save(path, {f"{p.layer.name}/{p.index}": p.blob.data for p in net.learnable}, net.name)

    def write_layers(self, layers: Learned, path: Path, plugins: PluginManager, *, name: str) -> None:
        _save(path, {f"{layer}/{i}": array for layer, blobs in layers.items() for i, array in blobs.items()}, name)


def _save(path: Path, tensors: Mapping[str, Array], name: str) -> None:
    whole = {key: np.ascontiguousarray(array) for key, array in tensors.items()}
    atomic_write(path, _module().save(whole, {"format": "cortado", "name": name}))


def _module() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise MissingExtraError.for_package("safetensors", "safetensors", "reading and writing .safetensors") from None
    return safetensors.numpy


@hookimpl
def cortado_weight_formats() -> list[type[WeightFormat]]:
    return [SafeTensors]
