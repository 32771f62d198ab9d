"""Check a layer's backward against central differences of its forward, in double precision.

    from cortado.testing import check_gradient

    def test_gradient(rng):
        x = rng.normal(size=(2, 3, 4, 5))
        check_gradient('type: "TanH"', [x])
        check_gradient('layer { type: "TanH" bottom: "x" top: "x" }', [x])     # in place
        check_gradient('type: "ReLU"', [x], skip_kinks=True)                   # no derivative at 0
        check_gradient('type: "SoftmaxWithLoss"', [scores, labels])            # labels get none, as the layer declares
        check_gradient('type: "InnerProduct" inner_product_param { num_output: 7 }', [x])

What it does: learned blobs are drawn from a normal distribution (or given as *params*), every top gets a random
gradient w, and f = sum of w · top is differentiated numerically by each element of each bottom and learned blob.
It also checks the contract of ``backward``: gradients of bottoms are overwritten (they hold NaN before), those of
learned blobs are added to (they hold random numbers before), and where no gradient is wanted nothing is written.
Layers that draw random numbers get the same ones each time; layers that keep state are made anew for each evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..layers import Array, Phase
from .layers import LayerRun, make_layer


class GradientError(AssertionError):
    """An analytic gradient that differs from the numeric one, or a broken rule of ``backward``."""


@dataclass
class GradientReport:
    """How many elements were compared, how many skipped as kinks, and the largest difference found."""

    checked: int = 0
    skipped: int = 0
    worst: float = 0.0


def check_gradient(
    text: str,
    bottoms: Sequence[npt.ArrayLike] = (),
    *,
    params: Sequence[npt.ArrayLike | None] | None = None,
    check_bottoms: Sequence[int] | None = None,
    check_params: Sequence[int] | None = None,
    ignore_tops: Sequence[int] = (),
    skip_kinks: bool = False,
    step: float = 1e-5,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    seed: int = 0,
    phase: Phase = Phase.TRAIN,
    **options: Any,
) -> GradientReport:
    """Compare gradients of the layer that *text* and *bottoms* make (see ``make_layer``, which takes *options*).

    *params*: values of the learned blobs, None for what the filler gives; all random by default. *check_bottoms*,
    *check_params*: indices to compare; by default all that may have a gradient. *ignore_tops*: tops through which no
    gradient flows (their diff is 0). *skip_kinks*: leave out elements at which the slopes on both sides differ, but
    never more than half of a blob. *step* of the differences; elements agree if
    ``|analytic - numeric| <= rtol |numeric| + atol max(1, max |numeric|)``.

    Raises GradientError naming the blob, the element and both numbers.
    """
    rng = np.random.default_rng(seed)
    subject = _Subject(lambda: make_layer(text, bottoms, phase=phase, seed=seed, **options))
    subject.draw_params(params, rng)
    subject.draw_weights(ignore_tops, rng)
    allowed = subject.run.differentiable()
    wanted = [i for i in (range(len(allowed)) if check_bottoms is None else check_bottoms) if allowed[i]]
    frozen = subject.run.layer.frozen
    learned = [i for i in range(len(subject.params)) if i not in frozen] if check_params is None else list(check_params)
    bottom_diffs, param_diffs = _analytic(subject, wanted, rng)
    comparison = _Comparison(subject.value, step, rtol, atol, skip_kinks)
    for index in wanted:
        name = subject.run.bottom[index].name
        comparison.compare(f"bottom[{index}] '{name}'", subject.inputs[index], bottom_diffs[index])
    for index in learned:
        comparison.compare(f"learned blob {index}", subject.params[index], param_diffs[index])
    _check_untouched(subject)
    return comparison.report


@dataclass
class _Subject:
    """The function f that is differentiated: of ``inputs`` and ``params``, which may be changed in place."""

    make: Callable[[], LayerRun]

    def __post_init__(self) -> None:
        self.run = self.make()
        self.inputs = [value.copy() for value in self.run.inputs]
        self.params = [blob.data.copy() for blob in self.run.layer.blobs]
        self.weights: list[Array] = []

    def draw_params(self, given: Sequence[npt.ArrayLike | None] | None, rng: np.random.Generator) -> None:
        for index, param in enumerate(self.params):
            value = None if given is None else given[index]
            if value is not None:
                param[...] = value
            elif given is None and index not in self.run.layer.frozen:
                param[...] = rng.normal(size=param.shape)

    def draw_weights(self, ignored: Sequence[int], rng: np.random.Generator) -> None:
        tops = self.ready().forward(*self.inputs, same_draws=True)
        self.weights = [rng.normal(size=top.shape) * (index not in ignored) for index, top in enumerate(tops)]

    def ready(self) -> LayerRun:
        """A layer in its first state, with the current params."""
        run = self.make() if self.run.layer.stateful else self.run
        for blob, value in zip(run.layer.blobs, self.params, strict=True):
            blob.data[...] = value
        return run

    def value(self) -> float:
        tops = self.ready().forward(*self.inputs, same_draws=True)
        return sum(float(np.vdot(w, top)) for w, top in zip(self.weights, tops, strict=True))


def _analytic(subject: _Subject, wanted: list[int], rng: np.random.Generator) -> tuple[list[Array], list[Array]]:
    """The layer's own gradients, of bottoms and learned blobs; those were not empty before."""
    run = subject.ready()
    run.forward(*subject.inputs, same_draws=True)
    before = [rng.normal(size=param.shape) for param in subject.params]
    for blob, value in zip(run.layer.blobs, before, strict=True):
        blob.diff[...] = value
    for blob in run.bottom:
        blob.diff[...] = np.nan
    bottom_diffs = run.backward(*subject.weights, propagate_down=[i in wanted for i in range(len(run.bottom))])
    for index in wanted:
        if np.isnan(bottom_diffs[index]).any():
            raise GradientError(f"{run.layer.who}: backward must overwrite all of bottom[{index}]'s diff")
    return bottom_diffs, [blob.diff - value for blob, value in zip(run.layer.blobs, before, strict=True)]


def _check_untouched(subject: _Subject) -> None:
    """Nothing may be added to the gradients of learned blobs that do not want any."""
    run = subject.ready()
    run.forward(*subject.inputs, same_draws=True)
    wishes = run.layer.param_propagate_down
    run.layer.param_propagate_down = [False] * len(run.layer.blobs)
    for blob in run.layer.blobs:
        blob.diff[...] = 1
    run.backward(*subject.weights)
    run.layer.param_propagate_down = wishes
    for index, blob in enumerate(run.layer.blobs):
        if not (blob.diff == 1).all():
            raise GradientError(f"{run.layer.who}: learned blob {index} got a gradient that it does not want")


@dataclass
class _Comparison:
    """Numeric gradients of *function*, compared with analytic ones."""

    function: Callable[[], float]
    step: float
    rtol: float
    atol: float
    skip_kinks: bool
    report: GradientReport = field(default_factory=GradientReport)

    def compare(self, what: str, values: Array, analytic: Array) -> None:
        """Differentiate by each element of *values*, which is changed and put back."""
        numeric, smooth = np.zeros(values.shape), np.ones(values.shape, np.bool_)
        middle = self.function()
        for at in np.ndindex(values.shape):
            left, right = self._slopes(values, at, middle)
            numeric[at] = (left + right) / 2
            smooth[at] = not self.skip_kinks or abs(left - right) <= 1e-3 * max(1.0, abs(left), abs(right))
        self._judge(what, analytic, numeric, smooth)

    def _slopes(self, values: Array, at: tuple[int, ...], middle: float) -> tuple[float, float]:
        here = float(values[at])
        step = self.step * max(1.0, abs(here))
        values[at] = here - step
        below = self.function()
        values[at] = here + step
        above = self.function()
        values[at] = here
        return (middle - below) / step, (above - middle) / step

    def _judge(self, what: str, analytic: Array, numeric: Array, smooth: Array) -> None:
        kinks = smooth.size - int(smooth.sum())
        if kinks * 2 > smooth.size:
            raise GradientError(f"{what}: {kinks} of {smooth.size} elements are at kinks; choose other inputs")
        self.report.skipped += kinks
        self.report.checked += smooth.size - kinks
        if not smooth.any():
            return
        difference = np.where(smooth, np.abs(analytic - numeric), 0)
        self.report.worst = max(self.report.worst, float(difference.max()))
        limit = self.rtol * np.abs(numeric) + self.atol * max(1.0, float(np.abs(numeric[smooth]).max()))
        wrong = ~(difference <= limit)
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise GradientError(
                f"{what}, element {list(at)}: backward gives {analytic[at]:.9g}, differences give {numeric[at]:.9g}"
                f" ({int(wrong.sum())} of {wrong.size} differ)"
            )
