"""bilinear: the weights with which a Deconvolution enlarges an image."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...errors import ParameterError
from ...plugins import hookimpl
from ..blob import Array, Shape
from .base import Filler


class Bilinear(Filler):
    """The same kernel in every channel: bilinear interpolation, for a Deconvolution that enlarges.

    For a kernel of k x k: ``f = ceil(k / 2)``, ``c = (2 f - 1 - k mod 2) / (2 f)``, and the weight at (x, y) is
    ``(1 - |x / f - c|) (1 - |y / f - c|)``. To enlarge by s, use ``kernel_size: 2 s - s mod 2``, ``stride: s``,
    ``pad: ceil((s - 1) / 2)``, ``group`` and ``num_output`` equal to the number of channels, and ``lr_mult: 0``.

    No parameters. Errors: ParameterError unless the blob has 4 axes and a square kernel.

    Example::

        weight_filler { type: "bilinear" }

    Source: Caffe's bilinear filler; Long et al., "Fully convolutional networks for semantic segmentation", 2015.
    """

    type: ClassVar[str] = "bilinear"

    def check(self, shape: Shape) -> None:
        super().check(shape)
        if len(shape) != 4 or shape[2] != shape[3]:
            raise ParameterError("filler 'bilinear' needs a blob of 4 axes with a square kernel", got=f"shape {shape}")

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        size = array.shape[3]
        factor = (size + 1) // 2
        centre = (2 * factor - 1 - size % 2) / (2 * factor) if factor else 0.0
        slope = 1 - np.abs(np.arange(size) / max(factor, 1) - centre)
        array[...] = np.outer(slope, slope)


@hookimpl
def cortado_fillers() -> list[type[Filler]]:
    return [Bilinear]
