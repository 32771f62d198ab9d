"""flip: upside down, or turned by quarters."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...errors import ParameterError
from ...plugins import Bool, Parameters, ParametersClass, hookimpl
from .base import Array, Shape, Transform


class FlipParameter(Parameters, field="flip_param", number=5101, owner="TransformationParameter"):
    vertical = Bool(1, default=True, doc="turn upside down with probability 1/2")
    transpose = Bool(2, default=False, doc="exchange rows and columns with probability 1/2; needs square images")


class Flip(Transform):
    """Turns images upside down, for pictures that have no up and down: cells, textures, the Earth from above.

    In TRAIN, with probability 1/2 each: ``transpose`` exchanges rows and columns, ``vertical`` reverses the rows. With
    both, and ``mirror``, an image comes in all its eight positions. In TEST nothing happens.

    Parameters, in ``transform_param { flip_param { … } }``: ``vertical`` (true), ``transpose`` (false).

    Errors: ParameterError for ``transpose`` with images that are not square.

    Example::

        transform_param { mirror: true flip_param { transpose: true } }
    """

    type: ClassVar[str] = "flip"
    parameters: ClassVar[ParametersClass | None] = FlipParameter

    @property
    def is_random(self) -> bool:
        return self.train and (self.param.vertical or self.param.transpose)

    def output_shape(self, shape: Shape) -> Shape:
        if self.train and self.param.transpose and shape[1] != shape[2]:
            raise ParameterError("flip_param { transpose: true } needs square images", got=f"{shape[1]}x{shape[2]}")
        return shape

    def apply(self, image: Array, rng: np.random.Generator) -> Array:
        vertical, transpose = rng.random(2) < 0.5
        if self.train and self.param.transpose and transpose:
            image = image.swapaxes(1, 2)
        if self.train and self.param.vertical and vertical:
            image = image[:, ::-1]
        return image


@hookimpl
def cortado_transforms() -> list[type[Transform]]:
    return [Flip]
