"""The grid of YOLO: what a feature map says of boxes in each of its cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...layers import Array, Blob, Blobs, Layer
from ..boxes import suppress


class Grid(NamedTuple):
    """Of each image, box of a cell and cell: centre and size (N, boxes, H, W, 4) in units of the image, the probability
    of an object (N, boxes, H, W), and the raw scores of the classes (N, boxes, classes, H, W)."""

    boxes: Array
    objects: Array
    scores: Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), for any x."""
    return np.asarray((1 + np.tanh(x / 2)) / 2)


def check_grid(layer: Layer, blob: Blob, boxes: int, classes: int) -> None:
    """Errors: ShapeError for a blob that is not N × boxes · (5 + classes) × H × W."""
    if blob.num_axes != 4 or blob.shape[1] != boxes * (5 + classes):
        rule = f"there must be {boxes} · (5 + {classes}) = {boxes * (5 + classes)} channels, and 4 axes"
        layer.fail_shape(rule, blob)


def read_grid(data: Array, anchors: Array, extent: tuple[float, float]) -> Grid:
    """What *data*, N × boxes · (5 + classes) × H × W, says; *anchors* are the sizes (width, height) of the boxes, in
    units of which the whole image is *extent* (width, height)."""
    n, _, height, width = data.shape
    parts = data.reshape(n, len(anchors), -1, height, width)
    row, column = np.mgrid[:height, :width]
    centre = (sigmoid(parts[:, :, :2]) + np.stack([column, row])) / np.array([width, height])[:, None, None]
    size = np.exp(parts[:, :, 2:4]) * (anchors / np.array(extent))[None, :, :, None, None]
    boxes = np.moveaxis(np.concatenate([centre, size], 2), 2, -1)
    return Grid(boxes, sigmoid(parts[:, :, 4]), parts[:, :, 5:])


def corners(boxes: Array) -> Array:
    """(xmin, ymin, xmax, ymax) of boxes given by centre and size."""
    return np.concatenate([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


def write_detections(found: list[Array], threshold: float, top: Blobs) -> None:
    """From rows of (class, confidence, xmin, ymin, xmax, ymax) of each image to those that suppression leaves, as
    (image, class + 1, …); where there are none at all, a row of -1 for each image."""
    rows = []
    for image, candidates in enumerate(found):
        # boxes of equal overlap go too, whatever their class
        kept = candidates[suppress(candidates[:, 2:], candidates[:, 1], float(np.nextafter(threshold, -1)))]
        rows.append(np.concatenate([np.full((len(kept), 1), image), kept[:, :1] + 1, kept[:, 1:]], 1))
    table = np.concatenate(rows) if rows else np.empty((0, 7))
    if not len(table):
        table = np.full((len(found), 7), -1.0)
        table[:, 0] = np.arange(len(found))
    top[0].reshape((1, 1, len(table), 7))
    top[0].data[0, 0] = table
