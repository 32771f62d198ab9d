"""LearnedSwish: Swish that learns how sharp its gate is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import Bool, Message, Parameters, ParametersClass, hookimpl
from .blob import Array, Shape
from .keeping import KeepingLayer
from .layer import Blobs, Layer, product


class LearnedSwishParameter(Parameters, field="learned_swish_param", number=5301):
    filler = Message(1, "FillerParameter", doc="how the betas begin; constant 1 where it is not set")
    channel_shared = Bool(2, default=False, doc="one beta for all channels")


class LearnedSwish(KeepingLayer):
    """Swish with a beta per channel that is learned: between a line (beta 0) and ReLU (beta large).

    Forward ``y = x · s`` with ``s = 1 / (1 + exp(-beta[c] · x))``, c being the channel.
    Backward ``dx = dy · (s + beta[c] · x · s · (1 - s))``; ``dbeta[c] = sum of dy · x² · s · (1 - s)``, over the
    channel.

    Bottom and top: 2 or more axes, (num, channels, …), the same. In place the layer keeps a copy of its bottom.
    Learned: the betas, one per channel, or a single one without axes.

    Parameters, in ``learned_swish_param``: ``filler`` (constant 1), how the betas begin; ``channel_shared`` (false),
    one beta for all channels. Errors: ShapeError for fewer than 2 axes, or channels that change later.

    Example::

        layer { name: "act1" type: "LearnedSwish" bottom: "conv1" top: "act1" param { decay_mult: 0 } }

    Source: Ramachandran et al., "Searching for Activation Functions", 2017, section 5.1.
    """

    type: ClassVar[str] = "LearnedSwish"
    parameters: ClassVar[ParametersClass | None] = LearnedSwishParameter

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].num_axes < 2:
            self.fail_shape("the bottom must have 2 axes or more, (num, channels, ...)", bottom[0])
        shape = () if self.param.channel_shared else (bottom[0].shape[1],)
        self.add_param(shape, self.param.filler if self.param.HasField("filler") else None, value=1.0)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        beta, shape = self.blobs[0], bottom[0].shape
        if beta.num_axes and (len(shape) < 2 or shape[1] != beta.count):
            self.fail_shape(f"the bottom must have {beta.count} channels, as many as there are betas", bottom[0])
        self._view: Shape = (1, 1, bottom[0].count)
        if beta.num_axes:
            self._view = (shape[0], shape[1], product(shape[2:]))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, gate = self.keep(bottom, top), self.engine.like("layer inner", bottom[0].data)
        self._gate(x, gate)
        self.engine.multiply(x, gate, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        xp, x, dy = self.engine.xp, self.kept(bottom, top), top[0].diff
        gate, curve = self.engine.like("layer inner", x), self.engine.like("layer rest", x)
        self._gate(x, gate)
        xp.subtract(1, gate, out=curve)
        xp.multiply(curve, gate, out=curve)
        xp.multiply(curve, x, out=curve)  # x · s · (1 - s)
        if self.param_propagate_down[0]:
            share = self.engine.like("layer slope", x)
            xp.multiply(curve, x, out=share)
            xp.multiply(share, dy, out=share)
            self.blobs[0].diff.reshape(-1)[...] += share.reshape(self._view).sum(axis=(0, 2))
        if propagate_down[0]:
            wide = curve.reshape(self._view)
            xp.multiply(wide, self._beta(), out=wide)
            xp.add(gate, curve, out=gate)
            self.engine.multiply(dy, gate, bottom[0].diff)

    def _beta(self) -> Array:
        return self.blobs[0].data.reshape(-1, 1)

    def _gate(self, x: Array, out: Array) -> None:
        """out = s."""
        self.engine.xp.multiply(x.reshape(self._view), self._beta(), out=out.reshape(self._view))
        self.engine.sigmoid_forward(out, out)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [LearnedSwish]
