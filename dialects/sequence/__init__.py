"""Sequences: recurrent layers over text and speech, and the losses that align them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...layers import Layer
from ...plugins import hookimpl
from ..base import Dialect, LayerClass
from ..rcnn.tables import FAST_RCNN
from ..segmentation.batch_bn import BatchBN
from ..table import Table
from .tables import CTPN


class CTPNet(Dialect):
    """CTPN (2016): text lines, with a recurrent layer over Faster R-CNN."""

    type: ClassVar[str] = "ctpn"
    fork: ClassVar[str] = "CTPN, tianzhi0549/CTPN"
    tables: ClassVar[tuple[Table, ...]] = (FAST_RCNN, CTPN)
    layers: ClassVar[Mapping[str, LayerClass]] = {"BN": BatchBN}


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [CTPNet]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    from .continuation_indicator import ContinuationIndicator
    from .ctc_loss import CtcLoss
    from .labelsequence_accuracy import LabelsequenceAccuracy
    from .lstm import Lstm
    from .reverse import Reverse
    from .transpose import Transpose

    return [ContinuationIndicator, CtcLoss, LabelsequenceAccuracy, Lstm, Reverse, Transpose]
