"""Segmentation: a label for every pixel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from ...layers import Layer
from ...plugins import hookimpl
from ...proto import blob_shape
from ..base import Dialect, LayerClass
from ..dropout import ForkDropout
from ..table import Table
from .batch_bn import BatchBN
from .running_bn import RunningBN
from .tables import BN, DECONVNET, DEEPLAB, DEEPLAB2, ENET, INTERP, KENDALL, PARSENET, PSPNET, SEGNET
from .weighted_softmax_with_loss import WeightedSoftmaxWithLoss

OF_SEGNET: Mapping[str, LayerClass] = {
    "BN": BatchBN,
    "Dropout": ForkDropout,
    "SoftmaxWithLoss": WeightedSoftmaxWithLoss,
}


class SegNet(Dialect):
    """SegNet (2015): a decoder that unpools to the places the encoder's pooling remembers."""

    type: ClassVar[str] = "segnet"
    fork: ClassVar[str] = "SegNet, alexgkendall/caffe-segnet"
    tables: ClassVar[tuple[Table, ...]] = (KENDALL, SEGNET)
    layers: ClassVar[Mapping[str, LayerClass]] = OF_SEGNET


class ENet(Dialect):
    """ENet (2016), with SegNet's layers."""

    type: ClassVar[str] = "enet"
    fork: ClassVar[str] = "ENet, TimoSaemann/caffe-enet"
    tables: ClassVar[tuple[Table, ...]] = (KENDALL, ENET)
    layers: ClassVar[Mapping[str, LayerClass]] = OF_SEGNET


class PSPNet(Dialect):
    """PSPNet and ICNet (2016), on DeepLab's Caffe."""

    type: ClassVar[str] = "pspnet"
    fork: ClassVar[str] = "PSPNet, hszhao/PSPNet"
    tables: ClassVar[tuple[Table, ...]] = (BN, INTERP, DEEPLAB, PSPNET)

    @classmethod
    def normalise(cls, net: Any) -> None:
        """Versions of this fork wrote the blobs of BN with one, two or four axes; four are expected here."""
        for layer in net.layer:
            if layer.type == "BN":
                for blob in layer.blobs:
                    shape = blob_shape(blob)
                    if math.prod(shape) == max(shape, default=1):
                        blob.shape.dim[:] = (1, max(shape, default=1), 1, 1)


class DeepLab(Dialect):
    """DeepLab v2 (2016)."""

    type: ClassVar[str] = "deeplab2"
    fork: ClassVar[str] = "DeepLab v2, xmyqsh/deeplab-v2"
    tables: ClassVar[tuple[Table, ...]] = (INTERP, DEEPLAB, DEEPLAB2)


class DeconvNet(Dialect):
    """DeconvNet (2015), in V1 layers."""

    type: ClassVar[str] = "deconvnet"
    fork: ClassVar[str] = "DeconvNet, HyeonwooNoh/caffe"
    tables: ClassVar[tuple[Table, ...]] = (DECONVNET,)
    layers: ClassVar[Mapping[str, LayerClass]] = {"BN": BatchBN}


class ParseNet(Dialect):
    """ParseNet (2015)."""

    type: ClassVar[str] = "parsenet"
    fork: ClassVar[str] = "ParseNet, weiliu89/caffe, branch fcn"
    tables: ClassVar[tuple[Table, ...]] = (PARSENET,)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [SegNet, ENet, PSPNet, DeepLab, DeconvNet, ParseNet]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    from .dense_image_data import DenseImageData
    from .image_labelmap_data import ImageLabelmapData
    from .interp import Interp
    from .unpooling import Unpooling
    from .upsample import Upsample

    return [DenseImageData, ImageLabelmapData, Interp, RunningBN, Unpooling, Upsample]
