"""Chains: BatchNorm, Scale and ReLU that follow each other in place are computed in one go where nobody looks on.

Each of them goes over all values and gradients, and does little else. What is left afterwards, blobs, gradients and
what the layers keep, is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..layers import Blob
from ..layers.batch_norm import BatchNorm
from ..layers.broadcast import along_channels
from ..layers.relu import ReLU
from ..layers.scale import Scale
from .step import Step

Blobs = Sequence[Blob]


class Chain:
    """A BatchNorm in training, a Scale with a factor per channel, and perhaps a ReLU, all in place on one blob."""

    def __init__(self, steps: Sequence[Step], norm: BatchNorm, scale: Scale, relu: ReLU | None) -> None:
        self.steps = steps
        self.norm, self.scale = norm, scale
        self.slope = None if relu is None else relu.slope
        self._joined = False

    def join_forward(self, on: bool) -> None:
        """Whether the forwards to come are one, made in the place of the first layer's."""
        self._joined = on
        for step in self.steps:
            step.forward_instead = _nothing if on else None
        if on:
            self.steps[0].forward_instead = self.forward

    def join_backward(self, on: bool) -> None:
        """The same of the way back, of which the first layer's is the last; only after a forward that was one."""
        on = on and self._joined
        for step in self.steps:
            step.backward_instead = _nothing if on else None
        if on:
            self.steps[0].backward_instead = self.backward

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        norm, view = self.norm, self.norm.view
        if view[2] <= 1:
            for step in self.steps:
                step.layer.forward(step.bottom, step.top)
            return
        x, y, kept = (blob.data.reshape(view) for blob in (bottom[0], top[0], norm.normalized))
        scale, bias = self._learned()
        learned = scale.data, None if bias is None else bias.data
        moments = norm.mean.data, norm.var.data
        norm.engine.batch_norm_scale_forward(x, norm.param.eps, *learned, self.slope, *moments, y, kept)
        norm.move_averages()

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        norm, view = self.norm, self.norm.view
        if view[2] <= 1:
            for step in reversed(self.steps):
                step.layer.backward(step.top, step.propagate_down, step.bottom)
            return
        y, kept = (blob.data.reshape(view) for blob in (top[0], norm.normalized))
        dy, dx = (blob.diff.reshape(view) for blob in (top[0], bottom[0]))
        scale, bias = self._learned()
        sums = scale.diff, None if bias is None else bias.diff
        norm.engine.batch_norm_scale_backward(
            kept, y, norm.var.data, norm.param.eps, scale.data, self.slope, dy, dx, *sums
        )

    def _learned(self) -> tuple[Blob, Blob | None]:
        blobs = self.scale.blobs
        return blobs[0], blobs[1] if self.scale.param.bias_term else None


def find_chains(steps: Sequence[Step]) -> list[Chain]:
    """Every chain among *steps* whose layers all run backward and learn."""
    chains = []
    for index, step in enumerate(steps[:-1]):
        norm, scale = step.layer, steps[index + 1].layer
        if type(norm) is not BatchNorm or type(scale) is not Scale or not norm.of_its_batch:
            continue
        blob = step.top[0]
        if not (_in_place(step, blob) and _in_place(steps[index + 1], blob) and all(scale.param_propagate_down)):
            continue
        if blob.num_axes < 3 or not along_channels(scale, blob, scale.blobs[0]):
            continue
        behind = steps[index + 2] if index + 2 < len(steps) else None
        if behind is not None and type(behind.layer) is ReLU and _in_place(behind, blob):
            chains.append(Chain(steps[index : index + 3], norm, scale, behind.layer))
        else:
            chains.append(Chain(steps[index : index + 2], norm, scale, None))
    return chains


def _in_place(step: Step, blob: Blob) -> bool:
    alone = len(step.bottom) == len(step.top) == 1 and step.bottom[0] is step.top[0] is blob
    return alone and step.runs_backward and all(step.propagate_down) and not step.losses


def _nothing(*_: object) -> None:
    """What the other layers of a chain do."""
