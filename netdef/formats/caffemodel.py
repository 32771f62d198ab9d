"""caffemodel: Caffe's binary protobuf."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ...plugins import PluginManager, hookimpl
from ..weight_files import StoredLayer, read_binary_weights, save_binary
from .base import WeightFormat

if TYPE_CHECKING:
    from ..net import Net


class CaffeModel(WeightFormat):
    """A NetParameter with the blobs of each layer, of any age and fork of Caffe. Protobuf has no sign of its own, so
    this is what a file is taken for that no other format recognises."""

    type: ClassVar[str] = "caffemodel"
    suffixes: ClassVar[Sequence[str]] = (".caffemodel",)

    def read(self, path: Path, plugins: PluginManager) -> list[StoredLayer]:
        return read_binary_weights(path, plugins)

    def write(self, net: Net, path: Path, *, with_diff: bool) -> None:
        save_binary(net, path, with_diff=with_diff)


@hookimpl
def cortado_weight_formats() -> list[type[WeightFormat]]:
    return [CaffeModel]
