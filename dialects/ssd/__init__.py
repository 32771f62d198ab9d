"""SSD: boxes of many sizes, predicted at every place of several feature maps."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Layer
from ...plugins import hookimpl
from ..base import Dialect
from ..table import Table
from .precision import average_precision
from .tables import ANNOTATIONS, LAYERS, OWN, TRANSFORM, TTC

__all__ = ["SSD", "TrainingToolbox", "average_precision", "cortado_dialects", "cortado_layers"]


class SSD(Dialect):
    """Wei Liu's branch of Caffe for the Single Shot MultiBox Detector (2016)."""

    type: ClassVar[str] = "ssd"
    fork: ClassVar[str] = "SSD, weiliu89/caffe"
    common: ClassVar[bool] = True
    tables: ClassVar[tuple[Table, ...]] = (ANNOTATIONS, LAYERS, TRANSFORM, OWN)


class TrainingToolbox(Dialect):
    """The Caffe of OpenVINO's training toolbox, on SSD (2019)."""

    type: ClassVar[str] = "ttc"
    fork: ClassVar[str] = "OpenVINO's training toolbox, opencv/training_toolbox_caffe"
    tables: ClassVar[tuple[Table, ...]] = (ANNOTATIONS, LAYERS, TRANSFORM, TTC)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [SSD, TrainingToolbox]


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    from .annotated_data import AnnotatedData
    from .detection_evaluate import DetectionEvaluate
    from .detection_output import DetectionOutput
    from .multibox_loss import MultiBoxLoss
    from .normalize import Normalize
    from .permute import Permute
    from .prior_box import PriorBox
    from .prior_box_clustered import PriorBoxClustered

    return [
        AnnotatedData,
        DetectionEvaluate,
        DetectionOutput,
        MultiBoxLoss,
        Normalize,
        Permute,
        PriorBox,
        PriorBoxClustered,
    ]
