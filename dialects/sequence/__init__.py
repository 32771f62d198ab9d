"""Sequences: recurrent layers over text and speech, and the losses that align them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

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
