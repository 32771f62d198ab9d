"""Transform: one change of an image, on its way from the source into a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ...plugins import ParametersClass

Array = npt.NDArray[Any]
Shape = tuple[int, ...]


class Transform:
    """Base of transforms. One takes part where its block stands in ``transform_param``.

    ``type`` is its name; ``parameters`` a Parameters class with ``owner="TransformationParameter"``, the block of which
    is ``self.param``; ``order`` says which comes first (by ``type`` where equal). ``self.train`` says whether the phase
    is TRAIN. All of them work on the image as it comes from the source, before crop, mirror, mean and scale.

    ``apply(image, rng)`` returns the changed image, C x H x W, uint8 or floats as it came or floats; it leaves *image*
    itself alone, and draws from *rng* alone. ``output_shape(shape)`` says what becomes of a shape, ``is_random``
    whether the result differs from one time to the next.

    Example, a complete transform::

        class NegativeParameter(Parameters, field="negative_param", number=…, owner="TransformationParameter"):
            white = Float(1, default=255, doc="what black becomes")

        class Negative(Transform):
            type = "negative"
            parameters = NegativeParameter

            def apply(self, image, rng):
                return self.param.white - image.astype("float32")
    """

    plugin_kind: ClassVar[str] = "transforms"
    type: ClassVar[str] = ""
    parameters: ClassVar[ParametersClass | None] = None
    order: ClassVar[int] = 0

    def __init__(self, param: Any, train: bool) -> None:
        self.param = param
        self.train = train

    @property
    def is_random(self) -> bool:
        return False

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def apply(self, image: Array, rng: np.random.Generator) -> Array:
        raise NotImplementedError
