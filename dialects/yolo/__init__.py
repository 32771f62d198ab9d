"""YOLO: boxes read off a grid, in one look."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Layer
from ...plugins import hookimpl
from ..base import Dialect
from ..ssd.tables import ANNOTATIONS, LAYERS, TRANSFORM
from ..table import Table
from .tables import DARKNET, MOBILENET_YOLO


class MobileNetYOLO(Dialect):
    """MobileNet-YOLO: YOLO v2 and v3 in SSD's Caffe."""

    type: ClassVar[str] = "mobilenet_yolo"
    fork: ClassVar[str] = "MobileNet-YOLO, eric612/MobileNet-YOLO"
    tables: ClassVar[tuple[Table, ...]] = (ANNOTATIONS, LAYERS, TRANSFORM, DARKNET, MOBILENET_YOLO)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [MobileNetYOLO]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    from .reorg import Reorg
    from .yolo_detection_output import YoloDetectionOutput
    from .yolov3 import Yolov3
    from .yolov3_detection_output import Yolov3DetectionOutput

    return [Reorg, YoloDetectionOutput, Yolov3, Yolov3DetectionOutput]
