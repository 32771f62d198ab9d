"""Diagnosis: why a net may not train, found by looking at it, at its data, and at a few iterations.

Nothing is written: the net's weights are put back after each experiment, and no snapshot is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CortadoError
from ..layers import Array
from ..netdef.step import Step
from ..solver import Solver
from . import symptoms
from .finding import Finding

RATES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Tried, times base_lr."""
ITERATIONS = 40
BATCHES = 4
LONGER = 8
"""So many times as long a run must fail before the labels are blamed."""


@dataclass
class Diagnosis:
    """What was found: ``findings``; ``first_loss`` and the ``expected`` one; ``overfit``, the loss of one batch before
    and after training on it alone; ``sweep``, losses by learning rate; ``ratios``, gradients and updates by parameter,
    as (label, norm of weights, norm of gradient, update / weight)."""

    findings: list[Finding] = field(default_factory=list)
    first_loss: float | None = None
    expected: float | None = None
    overfit: tuple[float, float] | None = None
    sweep: dict[float, list[float]] = field(default_factory=dict)
    ratios: list[tuple[str, float, float, float]] = field(default_factory=list)

    def kinds(self) -> list[str]:
        """The kinds of findings, in order."""
        return [finding.kind for finding in self.findings]


def diagnose(source: str | Path | Any, *, iterations: int = ITERATIONS, **options: Any) -> Diagnosis:
    """Diagnose the solver file *source*; each experiment trains for *iterations*. *options* go to ``Solver``.

    Errors: those of making the solver.
    """
    solver = Solver(source, **options)
    return _Doctor(solver, iterations).run()


class _Doctor:
    def __init__(self, solver: Solver, iterations: int) -> None:
        self.solver, self.net, self.iterations = solver, solver.net, iterations
        self.found = Diagnosis()
        self.weights = [blob.data.copy() for layer in self.net.layers for blob in layer.blobs]

    def run(self) -> Diagnosis:
        found = self.found
        found.findings += symptoms.of_definition(self.net, bool(self.solver.load_reports))
        found.findings += symptoms.of_weights(self.net)
        try:
            seen = self._look()
        except CortadoError as error:
            found.findings += symptoms.of_failure(self.net, error)
            return found
        self.seen = seen
        found.findings += symptoms.of_data(self.net, seen)
        found.findings += symptoms.of_activations(seen)
        self._first_loss()
        self._ratios()
        if found.first_loss is None or any(f.kind == "frozen" and f.layer == "*" for f in found.findings):
            return found
        try:
            self._sweep()
            self._overfit()
            if not {"labels", "outputs"} & set(found.kinds()):  # now that more labels were seen
                found.findings += symptoms.of_labels(seen)
        except CortadoError as error:
            found.findings += symptoms.of_failure(self.net, error)
        return found

    # -- looking --------------------------------------------------------------------------------------------------

    def _look(self) -> symptoms.Seen:
        """A few batches forward with the first weights."""
        seen = symptoms.Seen()
        losses = []
        for _ in range(BATCHES):
            losses.append(self.net.forward())
            seen.add(self.net)
        self.net.clear_param_diffs()
        self.net.backward()
        self._restore(history=False, diffs=False)
        if any(step.losses for step in self.net.steps):
            self.found.first_loss = float(np.mean(losses))
        return seen

    def _first_loss(self) -> None:
        expected = symptoms.expected_loss(self.net)
        self.found.expected = expected
        loss = self.found.first_loss
        if loss is None:
            self.found.findings.append(
                Finding(
                    "no-loss",
                    "*",
                    "no layer of the training net is a loss",
                    "end the net in a loss layer, or give a top a loss_weight",
                )
            )
        elif not math.isfinite(loss):
            self.found.findings.append(
                Finding("first-loss", "*", f"the first loss is {loss}", "look for log(0), overflow, or huge inputs")
            )
        elif expected is not None and not 0.5 * expected <= loss <= 2 * expected:
            self.found.findings.append(
                Finding(
                    "first-loss",
                    "*",
                    f"the first loss is {loss:.3g}, by chance it would be {expected:.3g}",
                    "smaller initial weights before the loss, inputs near 0 with deviation near 1, and right labels",
                )
            )

    def _ratios(self) -> None:
        """From the gradients of the last batch that was looked at."""
        rate = float(self.solver.param.base_lr)
        for p in self.net.learnable:
            if p.index in p.layer.frozen:
                continue
            weight, gradient = _norm(p.blob.data), _norm(p.blob.diff)
            ratio = rate * p.lr_mult * gradient / weight if weight else math.nan
            self.found.ratios.append((p.label, weight, gradient, ratio))
        self.found.findings += symptoms.of_gradients(self.net.learnable, self.found.ratios)

    # -- experiments ----------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Train from the first weights with several rates."""
        base = float(self.solver.param.base_lr)
        for factor in RATES:
            self._restore()
            self.found.sweep[base * factor] = list(self._train(base * factor, self.iterations))
        self._restore()
        self.found.findings += symptoms.of_rates(self.found.sweep, base, self.found.first_loss or 0.0, *self._guessed())

    def _overfit(self) -> None:
        """Train on one batch, with the best rate of the sweep and with base_lr: the better of both counts."""
        best = min(self.found.sweep, key=lambda rate: symptoms.level(self.found.sweep[rate]))
        runs = {}
        for rate in {best, float(self.solver.param.base_lr)}:
            runs[rate] = list(self._train(rate, 3 * self.iterations, one_batch=True))
            self._restore()
        best = min(runs, key=lambda rate: symptoms.level(runs[rate]))
        self.found.overfit = (runs[best][0], symptoms.level(runs[best]))
        _, limit = self._guessed()
        reached = min(symptoms.level(one) for one in self.found.sweep.values())
        if reached > limit:  # perhaps it only takes longer
            reached = min(reached, symptoms.level(list(self._train(best, LONGER * self.iterations))))
            self._restore()
        self.found.findings += symptoms.of_learning(reached, self.found.overfit, limit)

    def _guessed(self) -> tuple[float, float]:
        """The loss that guessing gives, and one a tenth below it, which takes learning. With many classes a tenth of
        log C takes long, and less of it counts."""
        entropy = symptoms.guessed_loss(self.net, self.seen)
        known = (self.found.first_loss, self.found.expected, entropy)
        guessed = min(one for one in known if one is not None)
        return guessed, guessed - min(0.1 * guessed, math.inf if entropy is None else 0.25)

    def _train(self, rate: float, count: int, one_batch: bool = False) -> Iterator[float]:
        solver, net = self.solver, self.net
        steps: list[Step] = net.steps
        for number in range(count):
            net.clear_param_diffs()
            with np.errstate(all="ignore"):
                loss = sum(step.forward() for step in steps if step.bottom or not (one_batch and number))
                if not one_batch:
                    self.seen.add_labels(net)
                yield loss
                if not math.isfinite(loss) or loss > 1e6:
                    return
                net.backward()
                solver.rate = rate
                solver.apply_update()

    def _restore(self, history: bool = True, diffs: bool = True) -> None:
        blobs = [blob for layer in self.net.layers for blob in layer.blobs]
        for blob, value in zip(blobs, self.weights, strict=True):
            blob.data[...] = value
        if history:
            for slots in self.solver.history:
                for slot in slots:
                    slot[...] = 0
        if diffs:
            self.net.clear_param_diffs()


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array.ravel().astype(np.float64)))
