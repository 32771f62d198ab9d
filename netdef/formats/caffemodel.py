"""caffemodel: Caffe's binary protobuf."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import FormatError
from ...plugins import PluginManager, hookimpl
from ...proto import array_to_blob, write_binary
from ..weight_files import StoredLayer, read_binary_weights, save_binary
from .base import Learned, WeightFormat

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

    def write_layers(self, layers: Learned, path: Path, plugins: PluginManager, *, name: str) -> None:
        net: Any = plugins.schema().message("NetParameter")(name=name)
        for layer, blobs in layers.items():
            config = net.layer.add(name=layer)
            if list(blobs) != list(range(len(blobs))):
                rule = "a .caffemodel stores all blobs of a layer, from 0 on"
                got = f"only {', '.join(map(str, blobs))}"
                raise FormatError(rule, who=f"layer '{layer}'", got=got, hint="write .h5, .npz or .safetensors")
            for array in blobs.values():
                single = array if array.dtype == np.float64 else array.astype(np.float32)
                array_to_blob(single, config.blobs.add())
        write_binary(net, path)


@hookimpl
def cortado_weight_formats() -> list[type[WeightFormat]]:
    return [CaffeModel]
