"""R-CNN and its kin: features pooled from regions of an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...layers import Layer
from ...plugins import hookimpl
from ..base import Dialect, LayerClass
from ..dropout import ForkDropout
from ..table import Table
from .tables import DEFORM, FAST_RCNN, PROPOSAL, RFCN


class FastRCNN(Dialect):
    """Fast and Faster R-CNN (2015)."""

    type: ClassVar[str] = "fast_rcnn"
    fork: ClassVar[str] = "Fast and Faster R-CNN, rbgirshick/caffe-fast-rcnn"
    tables: ClassVar[tuple[Table, ...]] = (FAST_RCNN,)
    layers: ClassVar[Mapping[str, LayerClass]] = {"Dropout": ForkDropout}


class RegionFCN(Dialect):
    """R-FCN, with online hard example mining (2016)."""

    type: ClassVar[str] = "rfcn"
    fork: ClassVar[str] = "R-FCN, daijifeng001/caffe-rfcn"
    tables: ClassVar[tuple[Table, ...]] = (FAST_RCNN, RFCN)


class PVANet(Dialect):
    """PVANet, whose proposals are a compiled layer (2016)."""

    type: ClassVar[str] = "pva"
    fork: ClassVar[str] = "PVANet, sanghoon/pva-faster-rcnn"
    tables: ClassVar[tuple[Table, ...]] = (FAST_RCNN, PROPOSAL)


class Deformable(Dialect):
    """Deformable ConvNets (2017)."""

    type: ClassVar[str] = "deform"
    fork: ClassVar[str] = "Deformable ConvNets, unsky/Deformable-ConvNets-caffe"
    tables: ClassVar[tuple[Table, ...]] = (FAST_RCNN, DEFORM)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [FastRCNN, RegionFCN, PVANet, Deformable]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    from .box_annotator_ohem import BoxAnnotatorOHEM
    from .proposal import Proposal
    from .psroi_pooling import PSROIPooling
    from .roi_pooling import ROIPooling
    from .smooth_l1_loss import SmoothL1Loss
    from .smooth_l1_loss_ohem import SmoothL1LossOHEM
    from .softmax_with_loss_ohem import SoftmaxWithLossOHEM

    return [
        *(BoxAnnotatorOHEM, PSROIPooling, Proposal, ROIPooling),
        *(SmoothL1Loss, SmoothL1LossOHEM, SoftmaxWithLossOHEM),
    ]
