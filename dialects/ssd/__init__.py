"""SSD: boxes of many sizes, predicted at every place of several feature maps."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from ..base import Dialect
from ..table import Table
from .tables import ANNOTATIONS, LAYERS, OWN, TRANSFORM


class SSD(Dialect):
    """Wei Liu's branch of Caffe for the Single Shot MultiBox Detector (2016)."""

    type: ClassVar[str] = "ssd"
    fork: ClassVar[str] = "SSD, weiliu89/caffe"
    tables: ClassVar[tuple[Table, ...]] = (ANNOTATIONS, LAYERS, TRANSFORM, OWN)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [SSD]
