"""hdf5: Caffe's other format, for weights beyond 2 GiB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ...plugins import PluginManager, hookimpl
from ..weight_files import HDF5_SIGNATURE, StoredLayer, read_hdf5_weights, save_hdf5, write_hdf5
from .base import Learned, WeightFormat

if TYPE_CHECKING:
    from ..net import Net


class HDF5(WeightFormat):
    """``/data/<layer>/<index>``, as Caffe writes with ``snapshot_format: HDF5``. Needs the package h5py."""

    type: ClassVar[str] = "hdf5"
    suffixes: ClassVar[Sequence[str]] = (".h5", ".hdf5")

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(HDF5_SIGNATURE)

    def read(self, path: Path, plugins: PluginManager) -> list[StoredLayer]:
        return read_hdf5_weights(path)

    def write(self, net: Net, path: Path, *, with_diff: bool) -> None:
        save_hdf5(net, path, with_diff=with_diff)

    def write_layers(self, layers: Learned, path: Path, plugins: PluginManager, *, name: str) -> None:
        write_hdf5({"data": layers}, path)


@hookimpl
def cortado_weight_formats() -> list[type[WeightFormat]]:
    return [HDF5]
