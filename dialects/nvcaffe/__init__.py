"""NVCaffe: NVIDIA's Caffe, with half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...layers import Layer
from ...plugins import hookimpl
from ..base import Dialect, LayerClass
from ..ssd.tables import ANNOTATIONS, LAYERS
from ..table import Table
from .batch_norm import BatchNorm
from .raw import unpack
from .tables import DETECTNET, NVCAFFE15, NVCAFFE17


class NVCaffe15(Dialect):
    """NVCaffe 0.14 and 0.15 (2016)."""

    type: ClassVar[str] = "nvcaffe15"
    fork: ClassVar[str] = "NVCaffe 0.15, NVIDIA/caffe"
    tables: ClassVar[tuple[Table, ...]] = (DETECTNET, NVCAFFE15)


class NVCaffe(Dialect):
    """NVCaffe 0.16 and 0.17 (2018)."""

    type: ClassVar[str] = "nvcaffe"
    fork: ClassVar[str] = "NVCaffe 0.17, NVIDIA/caffe"
    tables: ClassVar[tuple[Table, ...]] = (ANNOTATIONS, LAYERS, DETECTNET, NVCAFFE17)
    layers: ClassVar[Mapping[str, LayerClass]] = {"BatchNorm": BatchNorm}

    @classmethod
    def normalise(cls, net: Any) -> None:
        for layer in net.layer:
            for index, blob in enumerate(layer.blobs):
                if blob.HasField("raw_data"):
                    unpack(blob, f"layer '{layer.name}', blob {index}")


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [NVCaffe15, NVCaffe]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    from .l1_loss import L1Loss

    return [L1Loss]
