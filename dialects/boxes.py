"""Boxes: rows of (xmin, ymin, xmax, ymax), and what detection layers do with them."""

from __future__ import annotations

import numpy as np

from ..layers import Array

CORNER, CENTER_SIZE, CORNER_SIZE = 1, 2, 3
"""How a box is told from a prior: by its corners, by centre and size, or by corners in units of the prior's size."""


def sizes(boxes: Array, edge: float = 0.0) -> Array:
    """The area of each box; 0 for one that is turned inside out. *edge* is added to width and height (1 for pixels)."""
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    area: Array = np.where((width < 0) | (height < 0), 0, (width + edge) * (height + edge))
    return area


def overlaps(a: Array, b: Array, edge: float = 0.0) -> Array:
    """Intersection over union of each of *a* with each of *b*, (len(a), len(b)); 0 where they do not meet."""
    corner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2]) + edge
    apart = (corner <= 0).any(2) if edge else (corner < 0).any(2)
    common = np.where(apart, 0, corner[..., 0] * corner[..., 1])
    union = sizes(a, edge)[:, None] + sizes(b, edge)[None, :] - common
    found: Array = np.divide(common, union, out=np.zeros_like(common), where=(common > 0) & (union != 0))
    return found


def suppress(
    boxes: Array, scores: Array, threshold: float, most: int = -1, eta: float = 1.0, edge: float = 0.0
) -> Array:
    """The indices of the boxes that non-maximum suppression keeps, best first.

    The boxes go by falling score (equal ones in order), at most *most* of them; each is kept unless it overlaps one
    kept before by more than *threshold*, which shrinks by the factor *eta* after each box while it is above 0.5.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[:most] if most > -1 else order
    if eta < 1:
        return _suppress_adaptively(boxes, order, threshold, eta, edge)
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[overlaps(boxes[best][None], boxes[order], edge)[0] <= threshold]
    return np.array(kept, np.intp)


def _suppress_adaptively(boxes: Array, order: Array, threshold: float, eta: float, edge: float) -> Array:
    kept: list[int] = []
    for index in order:
        if not kept or (overlaps(boxes[index][None], boxes[kept], edge)[0] <= threshold).all():
            kept.append(int(index))
            threshold *= eta if threshold > 0.5 else 1.0
    return np.array(kept, np.intp)


def encode(priors: Array, variances: Array | None, boxes: Array, code: int) -> Array:
    """What tells each of *boxes* from its prior; divided by *variances*, unless these are None."""
    size = priors[:, 2:] - priors[:, :2]
    if code == CENTER_SIZE:
        shift = ((boxes[:, :2] + boxes[:, 2:]) - (priors[:, :2] + priors[:, 2:])) / 2 / size
        offsets = np.concatenate([shift, np.log((boxes[:, 2:] - boxes[:, :2]) / size)], 1)
    else:
        offsets = boxes - priors
        if code == CORNER_SIZE:
            offsets = offsets / np.concatenate([size, size], 1)
    return offsets if variances is None else offsets / variances


def decode(priors: Array, variances: Array | None, offsets: Array, code: int) -> Array:
    """The boxes that *offsets* from *priors* mean; multiplied by *variances* first, unless these are None."""
    steps = offsets if variances is None else offsets * variances
    size = priors[..., 2:] - priors[..., :2]
    if code == CENTER_SIZE:
        centre = (priors[..., :2] + priors[..., 2:]) / 2 + steps[..., :2] * size
        half = np.exp(steps[..., 2:]) * size / 2
        return np.concatenate([centre - half, centre + half], -1)
    if code == CORNER_SIZE:
        steps = steps * np.concatenate([size, size], -1)
    boxes: Array = priors + steps
    return boxes
