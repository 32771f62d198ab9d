"""What layers share that pool from regions of interest: rows of (image, x1, y1, x2, y2) in pixels of the image."""

from __future__ import annotations

from ...errors import DataError
from ...layers import Array, Blobs, Layer


def check_regions(layer: Layer, bottom: Blobs) -> None:
    """Features N × C × H × W and regions R × 5. Errors: ShapeError."""
    if bottom[0].num_axes != 4:
        layer.fail_shape("the features must have 4 axes (number, channels, height, width)", bottom[0])
    regions = bottom[1]
    if not regions.shape or regions.count != regions.shape[0] * 5:
        layer.fail_shape("the regions must be rows of 5 numbers: image, x1, y1, x2, y2", regions)


def read_regions(layer: Layer, bottom: Blobs) -> Array:
    """The regions as R × 5. Errors: DataError for an image that is not in the batch."""
    rows, images = bottom[1].data.reshape(-1, 5), bottom[0].shape[0]
    wrong = rows[(rows[:, 0] < 0) | (rows[:, 0] >= images)]
    if len(wrong):
        rule = f"the first number of a region is its image, 0 to {images - 1}"
        raise DataError(rule, where=layer.context.position(), who=layer.who, got=f"{wrong[0, 0]:g}")
    return rows
