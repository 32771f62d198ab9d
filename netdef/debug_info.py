"""Debug info: the mean magnitude of every blob while a net runs, in Caffe's lines."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..layers import Array, Blob, Layer
    from .net import Net


class DebugInfo:
    """Tells the mean absolute value of what each layer made, as Caffe does under ``debug_info: true``.

    After a layer's forward a line for every top and every learned blob; after its backward one for the gradient of
    every bottom and learned blob that got one; after the whole backward the L1 and L2 norms of all parameters. A NaN or
    a gradient that vanishes shows in the first line that has it. While it is off, nothing of it runs.

    ``net.debug_info.start(tell)`` gives the lines to *tell*, by default they go to standard error; ``stop()`` ends it.
    A net whose definition says ``debug_info: true`` starts with it on.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self._tell: Callable[[str], None] | None = None

    @property
    def on(self) -> bool:
        return self._tell is not None

    def start(self, tell: Callable[[str], None] | None = None) -> None:
        """Give the lines of every pass from now on to *tell*."""
        if not self.on:
            self._net.after_forward.append(self._forward)
            self._net.after_backward.append(self._backward)
        self._tell = tell or _print

    def stop(self) -> None:
        """Tell nothing any more."""
        if self.on:
            self._net.after_forward.remove(self._forward)
            self._net.after_backward.remove(self._backward)
        self._tell = None

    def _line(self, text: str) -> None:
        if self._tell is not None:
            self._tell(f"    {text}")

    def _forward(self, index: int) -> None:
        step = self._net.steps[index]
        head = f"[Forward] Layer {step.layer.name},"
        for blob in step.top:
            self._line(f"{head} top blob {blob.name} data: {self._mean(blob, blob.data):g}")
        for number, blob in enumerate(step.layer.blobs):
            self._line(f"{head} param blob {_label(step.layer, number)} data: {self._mean(blob, blob.data):g}")

    def _backward(self, index: int) -> None:
        step = self._net.steps[index]
        if step.runs_backward:
            head = f"[Backward] Layer {step.layer.name},"
            for blob, wanted in zip(step.bottom, step.propagate_down, strict=True):
                if wanted:
                    self._line(f"{head} bottom blob {blob.name} diff: {self._mean(blob, blob.diff):g}")
            for number, blob in enumerate(step.layer.blobs):
                if step.layer.param_propagate_down[number]:
                    self._line(f"{head} param blob {number} diff: {self._mean(blob, blob.diff):g}")
        if index == 0:
            self._norms()

    def _norms(self) -> None:
        engine = self._net.engine
        arrays = [[p.blob.data for p in self._net.learnable], [p.blob.diff for p in self._net.learnable]]
        l1 = [sum(float(engine.asum(a)) for a in kind) for kind in arrays]
        l2 = [math.sqrt(sum(float(engine.sumsq(a)) for a in kind)) for kind in arrays]
        norms = f"L1 norm = ({l1[0]:g}, {l1[1]:g}); L2 norm = ({l2[0]:g}, {l2[1]:g})"
        self._line(f"[Backward] All net params (data, diff): {norms}")

    def _mean(self, blob: Blob, values: Array) -> float:
        return float(self._net.engine.asum(values)) / blob.count if blob.count else 0.0


def _label(layer: Layer, index: int) -> str:
    """The name under which the learned blob is shared, or its number."""
    blocks = layer.config.param
    return blocks[index].name if index < len(blocks) and blocks[index].name else str(index)


def _print(text: str) -> None:
    print(text, file=sys.stderr)
