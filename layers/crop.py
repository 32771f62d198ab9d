"""Crop: cuts a region as large as another blob."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .arity import Arity, exactly
from .layer import Blobs, Layer


class Crop(Layer):
    """The part of the first bottom that has the size of the second.

    Forward ``y = x[..., offset : offset + size, ...]`` along each axis from ``axis`` on.
    Backward ``dx = dy`` inside that part, ``dx = 0`` around it.

    Bottoms: x, and a reference of as many axes, of which only the shape is used. Top: the sizes of the reference from
    ``axis`` on, those of x before. No gradient goes to the reference.

    Parameters, in ``crop_param``: ``axis`` (2), the first axis to crop, negative ones from the end; ``offset`` (0), one
    for all cropped axes, or one for each.
    Errors: ParameterError for another number of offsets; ShapeError where the part does not lie within x.

    Example::

        layer { name: "score" type: "Crop" bottom: "upscore" bottom: "data" top: "score" crop_param { offset: 19 } }

    Source: Caffe's Crop layer; Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2015.
    """

    type: ClassVar[str] = "Crop"
    param_field: ClassVar[str | None] = "crop_param"
    bottoms: ClassVar[Arity] = exactly(2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x, reference = bottom
        axis = self.axis(x, self.param.axis, "axis")
        if reference.num_axes != x.num_axes:
            self.fail_shape("the bottoms must have equally many axes", x, reference)
        offsets = list(self.param.offset) or [0]
        if len(offsets) == 1:
            offsets *= x.num_axes - axis
        if len(offsets) != x.num_axes - axis:
            rule = f"there must be one offset, or one for each of the {x.num_axes - axis} axes from axis {axis} on"
            self.fail(rule, "offset", got=len(offsets))
        for at, offset in enumerate(offsets, axis):
            if offset + reference.shape[at] > x.shape[at]:
                self.fail_shape(f"the offset, {offset}, and the size to cut must fit into axis {at}", x, reference)
        cut = [slice(o, o + reference.shape[at]) for at, o in enumerate(offsets, axis)]
        self._region = (*[slice(None)] * axis, *cut)
        top[0].reshape(*x.shape[:axis], *reference.shape[axis:])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.engine.copy(bottom[0].data[self._region], top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff.fill(0)
            self.engine.copy(top[0].diff, bottom[0].diff[self._region])
        if propagate_down[1]:
            bottom[1].diff.fill(0)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Crop]
