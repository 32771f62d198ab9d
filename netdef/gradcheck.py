"""Gradcheck: the gradients of a net against differences, in double precision.

``check_layers`` takes every layer alone, with the values that reach it in a forward pass; ``check_whole`` takes the
loss as a function of each learned blob. Both draw a few elements of each blob at random, and put next to the analytic
derivative a the central difference n of step h = 1e-5·max(1, |x|). The relative error is |a - n| / max(|a|, |n|, s)
with s = 1e-4 of the largest derivative of the blob, below which both are noise.

Where the slopes on the two sides differ, also with a smaller step, there is a kink (ReLU at 0, a tie in max pooling)
and no derivative; such elements are counted and not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..layers import Array, Blob, Layer
from .net import Net
from .step import Step

STEP = 1e-5
KINK = 1e-3
FLOOR = 1e-4
TOLERANCE = 1e-5
WORSE = 1e-2


@dataclass(frozen=True)
class GradientRow:
    """One blob of one layer: ``what`` (``bottom[0] 'x'``, ``learned blob 1``), how many elements were compared, how
    many of them are at kinks, the largest relative error, and the two numbers it came from."""

    layer: str
    type: str
    what: str
    checked: int
    kinks: int
    error: float
    analytic: float = 0.0
    numeric: float = 0.0

    @property
    def verdict(self) -> str:
        """``ok``, ``look`` (between 1e-5 and 1e-2: often a kink nearby) or ``wrong``."""
        return "ok" if self.error <= TOLERANCE else "look" if self.error <= WORSE else "wrong"


def check_layers(net: Net, samples: int = 12, seed: int = 0) -> Iterator[GradientRow]:
    """Check every layer of *net* (float64) alone; the tops get random gradients. Yields a row per blob."""
    rng = np.random.default_rng(seed)
    for step in net.steps:
        if step.bottom and type(step.layer).backward is not Layer.backward:
            yield from _Alone(net, step, rng).rows(samples)
        step.forward()


def check_whole(net: Net, samples: int = 6, seed: int = 0) -> Iterator[GradientRow]:
    """Check the loss of *net* (float64) by each learned blob. The records are read once and kept."""
    rng = np.random.default_rng(seed)
    state = _State(net)
    for step in net.steps:
        if not step.bottom:
            step.forward()
    value = state.loss
    value()
    net.clear_param_diffs()
    net.backward()
    for parameter in net.learnable:
        if not parameter.lr_mult:
            continue
        analytic = parameter.blob.diff.copy()
        what = f"learned blob {parameter.index}"
        yield _compare(parameter.layer, what, parameter.blob.data, analytic, value, samples, rng)


class _State:
    """The loss of a net as a function of its learned blobs: the same records, draws and statistics each time."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.kept = [(b, b.data.copy()) for layer in net.layers for i, b in enumerate(layer.blobs) if i in layer.frozen]

    def loss(self) -> float:
        for blob, value in self.kept:
            blob.data[...] = value
        total = 0.0
        for step in self.net.steps:
            if step.bottom:
                _same_draws(step.layer)
                total += step.forward()
        return total


def _same_draws(layer: Layer) -> None:
    if type(layer).stochastic:
        layer.rng = layer.context.stream("gradcheck", layer.name)


class _Alone:
    """A second layer like the one of *step*, on blobs of its own; f = sum of w times top, with random w."""

    def __init__(self, net: Net, step: Step, rng: np.random.Generator) -> None:
        self.step, self.rng = step, rng
        self.inputs = [blob.data.copy() for blob in step.bottom]
        self.params = [blob.data.copy() for blob in step.layer.blobs]
        self.layer, self.bottom, self.top = self._make()
        self.weights: list[Array] = []

    def _make(self) -> tuple[Layer, list[Blob], list[Blob]]:
        layer = type(self.step.layer)(self.step.layer.config, self.step.layer.context)
        bottom = [Blob(b.shape, b.dtype, b.name) for b in self.step.bottom]
        place = {id(mine): blob for mine, blob in zip(self.step.bottom, bottom, strict=True)}
        top = [place.get(id(blob)) or Blob((0,), blob.dtype, blob.name) for blob in self.step.top]
        self._write(bottom, layer)
        layer.setup(bottom, top)
        layer.param_propagate_down = [index not in layer.frozen for index in range(len(layer.blobs))]
        layer.reshape(bottom, top)
        return layer, bottom, top

    def _write(self, bottom: list[Blob], layer: Layer) -> None:
        for blob, value in zip(bottom, self.inputs, strict=True):
            blob.data[...] = value
        for blob, value in zip(layer.blobs, self.params, strict=False):
            blob.initializer = None
            blob.data[...] = value

    def forward(self) -> list[Array]:
        if type(self.layer).stateful:
            self.layer, self.bottom, self.top = self._make()
        self._write(self.bottom, self.layer)
        _same_draws(self.layer)
        self.layer.forward(self.bottom, self.top)
        return [blob.data for blob in self.top]

    def value(self) -> float:
        return sum(float(np.vdot(w, top)) for w, top in zip(self.weights, self.forward(), strict=True))

    def rows(self, samples: int) -> Iterator[GradientRow]:
        layer = type(self.layer)
        count = len(self.bottom)
        wanted = [layer.takes_gradient(i, count) and self.inputs[i].size > 0 for i in range(count)]
        learned = [i for i in range(len(self.params)) if i not in self.layer.frozen]
        if not any(wanted) and not learned:
            return
        self.weights = [self.rng.normal(size=top.shape) for top in self.forward()]
        self.forward()
        for blob, weight in zip(self.top, self.weights, strict=True):
            blob.diff[...] = weight
        for blob in self.layer.blobs:
            blob.diff[...] = 0
        self.layer.backward(self.top, wanted, self.bottom)
        diffs = [blob.diff.copy() for blob in self.bottom]
        param_diffs = [blob.diff.copy() for blob in self.layer.blobs]
        for i in [i for i in range(count) if wanted[i]]:
            what = f"bottom[{i}] '{self.step.bottom[i].name}'"
            yield _compare(self.layer, what, self.inputs[i], diffs[i], self.value, samples, self.rng)
        for i in learned:
            what = f"learned blob {i}"
            yield _compare(self.layer, what, self.params[i], param_diffs[i], self.value, samples, self.rng)


def _compare(
    layer: Any,
    what: str,
    values: Array,
    analytic: Array,
    function: Callable[[], float],
    samples: int,
    rng: np.random.Generator,
) -> GradientRow:
    """Compare a few elements of *analytic* with differences of *function* by *values*, changed and put back."""
    flat, slopes = values.reshape(-1), analytic.reshape(-1)
    chosen = rng.choice(flat.size, min(samples, flat.size), replace=False)
    floor = FLOOR * float(np.abs(slopes).max(initial=0.0)) + 1e-10
    worst, kinks = (0.0, 0.0, 0.0), 0
    for index in chosen:
        numeric = _derivative(flat, int(index), function, floor)
        if numeric is None:
            kinks += 1
            continue
        a = float(slopes[index])
        error = abs(a - numeric) / max(abs(a), abs(numeric), floor)
        if not error <= worst[0]:
            worst = (error, a, numeric)
    return GradientRow(layer.name, layer.type, what, len(chosen) - kinks, kinks, *worst)


def _derivative(flat: Array, index: int, function: Callable[[], float], floor: float) -> float | None:
    """The central difference; with a smaller step where the two sides differ, and None where they still do."""
    for shrink in (1.0, 0.1, 0.01):
        left, right, central = _slopes(flat, index, function, STEP * shrink)
        if abs(left - right) <= KINK * max(abs(left), abs(right), floor / FLOOR * KINK):
            return central
    return None


def _slopes(flat: Array, index: int, function: Callable[[], float], step: float) -> tuple[float, float, float]:
    here = float(flat[index])
    h = step * max(1.0, abs(here))
    try:
        middle = function()
        flat[index] = here - h
        below = function()
        flat[index] = here + h
        above = function()
    finally:
        flat[index] = here
    return (middle - below) / h, (above - middle) / h, (above - below) / (2 * h)
