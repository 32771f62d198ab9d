"""BoxAnnotatorOHEM: the regions that are hardest, to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...layers import Arity, Blobs, exactly
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import FAST_RCNN, RFCN


class BoxAnnotatorOHEM(ForkLayer):
    """Chooses the regions with the largest losses, of each image ``roi_per_img``, and marks the others as not to count.

    The regions go by falling loss; the labels and weights of the chosen ones are copied, the other labels become
    ``ignore_label`` and the other weights 0. No backward.

    Bottoms: regions, R rows of (image, x1, y1, x2, y2); losses, R; labels, R; weights, R × C × …. Tops: labels and
    weights, of the same shapes.

    Parameters, in ``box_annotator_ohem_param``: ``roi_per_img`` (required); ``ignore_label`` (-1).
    Errors: ParameterError; ShapeError for different numbers of regions.

    Example::

        layer {
          name: "annotator" type: "BoxAnnotatorOHEM" bottom: "rois" bottom: "per_roi_loss" bottom: "labels"
          bottom: "bbox_inside_weights" top: "labels_ohem" top: "bbox_loss_weights_ohem"
          box_annotator_ohem_param { roi_per_img: 128 }
        }

    Source: R-FCN's layer; Shrivastava et al., 2016.
    """

    type: ClassVar[str] = "BoxAnnotatorOHEM"
    param_field: ClassVar[str | None] = "box_annotator_ohem_param"
    tables: ClassVar[Sequence[Table]] = (FAST_RCNN, RFCN)
    bottoms: ClassVar[Arity] = exactly(4)
    tops: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.roi_per_img < 1:
            self.fail("roi_per_img must be at least 1", "roi_per_img", got=self.param.roi_per_img)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        regions = bottom[0].count // 5
        if bottom[0].count % 5 or any(b.count != regions for b in bottom[1:3]):
            self.fail_shape("regions must be rows of 5 numbers, losses and labels one number each", *bottom[:3])
        if not bottom[3].shape or bottom[3].shape[0] != regions:
            self.fail_shape(f"there must be weights for each of {regions} regions", bottom[3])
        top[0].reshape_like(bottom[2])
        top[1].reshape_like(bottom[3])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        image = bottom[0].data.reshape(-1, 5)[:, 0]
        order = np.argsort(-bottom[1].data.reshape(-1), kind="stable")
        chosen = np.zeros(len(image), bool)
        for one in np.unique(image):
            chosen[order[image[order] == one][: self.param.roi_per_img]] = True
        labels = bottom[2].data.reshape(-1)
        top[0].data[...] = np.where(chosen, labels, self.param.ignore_label).reshape(top[0].shape)
        weights = bottom[3].data.reshape(len(image), -1)
        top[1].data[...] = (weights * chosen[:, None]).reshape(top[1].shape)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing: the choice has no gradient."""
