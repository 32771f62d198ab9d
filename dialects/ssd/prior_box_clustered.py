"""PriorBoxClustered: prior boxes of sizes that were found by clustering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..table import Table
from .prior_box import PriorBoxBase
from .tables import ANNOTATIONS, LAYERS, TTC


class PriorBoxClustered(PriorBoxBase):
    """Boxes of given widths and heights around every place of a feature map, to be told from by detections.

    As PriorBox, but each prior is ``width[k]`` by ``height[k]`` pixels. No backward.

    Bottoms: the feature map and the image, each N × C × H × W. Top: 1 × 2 × (H · W · priors · 4), as PriorBox.

    Parameters, in ``prior_box_param``: ``width`` and ``height`` (equally often, at least once); ``clip`` (false);
    ``variance`` (0.1; once or four times); ``img_size``, or ``img_h`` and ``img_w``; ``step``, or ``step_h`` and
    ``step_w``; ``offset`` (0.5).
    Errors: ParameterError for values outside these rules; ShapeError for bottoms without 4 axes.

    Example::

        layer {
          name: "priors" type: "PriorBoxClustered" bottom: "conv" bottom: "data" top: "priors"
          prior_box_param { width: 12 width: 30 height: 24 height: 61 step: 16 }
        }

    Source: the PriorBoxClustered layer of OpenVINO's training toolbox.
    """

    type: ClassVar[str] = "PriorBoxClustered"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS, TTC)

    def box_sizes(self) -> list[tuple[float, float]]:
        wide, high = list(self.param.width), list(self.param.height)
        if not wide or len(wide) != len(high):
            self.fail("width and height must be given equally often, at least once", "width", got=f"{wide}, {high}")
        for index, (width, height) in enumerate(zip(wide, high, strict=True)):
            if min(width, height) <= 0:
                self.fail("width and height must be greater than 0", "width", index, got=f"{width} by {height}")
        return list(zip(wide, high, strict=True))
