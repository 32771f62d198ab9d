"""jitter: other brightness, contrast and colours."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...plugins import Float, Parameters, ParametersClass, hookimpl
from .base import Array, Transform


class JitterParameter(Parameters, field="jitter_param", number=5102, owner="TransformationParameter"):
    brightness = Float(1, default=0, minimum=0, doc="up to this much is added to all pixels, or taken away")
    contrast = Float(2, default=0, minimum=0, below=1, doc="distances from the mean grow or shrink by up to this share")
    color = Float(
        3, default=0, minimum=0, below=1, doc="each channel is multiplied by 1 plus or minus up to this share"
    )


class Jitter(Transform):
    """Draws another brightness, contrast and colour for each image, in TRAIN; in TEST nothing happens.

    ``y = ((x - mean) · (1 + c) + mean + b) · (1 + k)``, with c, b and one k per channel drawn evenly from plus or minus
    ``contrast``, ``brightness`` and ``color``, and the mean over the image.

    Parameters, in ``transform_param { jitter_param { … } }``: ``brightness`` (0), ``contrast`` (0), ``color`` (0).

    Example::

        transform_param { scale: 0.00390625 jitter_param { brightness: 32 contrast: 0.25 color: 0.1 } }
    """

    type: ClassVar[str] = "jitter"
    parameters: ClassVar[ParametersClass | None] = JitterParameter
    order: ClassVar[int] = 10

    @property
    def is_random(self) -> bool:
        return self.train and any((self.param.brightness, self.param.contrast, self.param.color))

    def apply(self, image: Array, rng: np.random.Generator) -> Array:
        if not self.is_random:
            return image
        contrast, brightness = rng.uniform(-1, 1, 2) * (self.param.contrast, self.param.brightness)
        color = 1 + self.param.color * rng.uniform(-1, 1, (image.shape[0], 1, 1))
        x = image.astype(np.float32)
        mean = x.mean() if x.size else 0.0
        return np.asarray(((x - mean) * (1 + contrast) + mean + brightness) * color, np.float32)


@hookimpl
def cortado_transforms() -> list[type[Transform]]:
    return [Jitter]
