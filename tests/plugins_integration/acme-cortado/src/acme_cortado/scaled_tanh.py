"""ScaledTanH: a tanh with its height and slope as parameters."""

from __future__ import annotations

import numpy as np

import cortado
from cortado.plugins import Choice, Float


class ScaledTanHParameter(cortado.Parameters, field="scaled_tanh_param", number=183_204_511):
    height = Float(1, default=1.7159, above=0, doc="the value that the curve approaches")
    slope = Float(2, default=2 / 3, above=0, maximum=100, doc="how fast it does")
    shape = Choice(3, ("SMOOTH", "HARD"), doc="tanh itself, or the line through 0 cut off at the height")


class ScaledTanH(cortado.Layer):
    """A tanh whose outputs have about the variance of its inputs.

    Forward ``y = height · tanh(slope · x)``, or with ``shape: HARD`` ``y = height · min(1, max(-1, slope · x))``.
    Backward from y alone: ``dx = dy · slope · (height - y²/height)``, or ``dy · height · slope`` inside the height.

    Bottom and top: any shape, the same; may run in place. Parameters, ``scaled_tanh_param``: ``height`` (1.7159),
    ``slope`` (2/3), ``shape`` (SMOOTH).

    Example::

        layer { name: "squash" type: "ScaledTanH" bottom: "x" top: "y" scaled_tanh_param { height: 1 } }

    Source: LeCun et al., "Efficient BackProp", 1998.
    """

    type = "ScaledTanH"
    parameters = ScaledTanHParameter
    in_place = True
    needs_top = "values"

    def setup(self, bottom, top):
        self.hard = ScaledTanHParameter.shape.choice(self.param.shape) == "HARD"

    def reshape(self, bottom, top):
        top[0].reshape_like(bottom[0])

    def forward(self, bottom, top):
        height, x, y = self.param.height, bottom[0].data, top[0].data
        np.multiply(x, self.param.slope, out=y)
        if self.hard:
            np.clip(y, -1, 1, out=y)
        else:
            np.tanh(y, out=y)
        y *= height

    def backward(self, top, propagate_down, bottom):
        if not propagate_down[0]:
            return
        height, slope = self.param.height, self.param.slope
        y = top[0].data
        factor = height * (abs(y) < height) if self.hard else height - y * y / height
        bottom[0].diff[...] = top[0].diff * slope * factor
