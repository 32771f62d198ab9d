"""Segmentation: a label for every pixel."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from ..base import Dialect
from ..table import Table
from .tables import BN, DECONVNET, DEEPLAB, DEEPLAB2, ENET, INTERP, KENDALL, PARSENET, PSPNET, SEGNET


class SegNet(Dialect):
    """SegNet (2015): a decoder that unpools to the places the encoder's pooling remembers."""

    type: ClassVar[str] = "segnet"
    fork: ClassVar[str] = "SegNet, alexgkendall/caffe-segnet"
    tables: ClassVar[tuple[Table, ...]] = (KENDALL, SEGNET)


class ENet(Dialect):
    """ENet (2016), with SegNet's layers."""

    type: ClassVar[str] = "enet"
    fork: ClassVar[str] = "ENet, TimoSaemann/caffe-enet"
    tables: ClassVar[tuple[Table, ...]] = (KENDALL, ENET)


class PSPNet(Dialect):
    """PSPNet and ICNet (2016), on DeepLab's Caffe."""

    type: ClassVar[str] = "pspnet"
    fork: ClassVar[str] = "PSPNet, hszhao/PSPNet"
    tables: ClassVar[tuple[Table, ...]] = (BN, INTERP, DEEPLAB, PSPNET)


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


class ParseNet(Dialect):
    """ParseNet (2015)."""

    type: ClassVar[str] = "parsenet"
    fork: ClassVar[str] = "ParseNet, weiliu89/caffe, branch fcn"
    tables: ClassVar[tuple[Table, ...]] = (PARSENET,)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [SegNet, ENet, PSPNet, DeepLab, DeconvNet, ParseNet]
